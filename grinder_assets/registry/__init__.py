"""The registry: one asset a model, which stages what training made and shows its history."""
