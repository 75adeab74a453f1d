"""Training: one artifact a model spec, all from one factory."""
