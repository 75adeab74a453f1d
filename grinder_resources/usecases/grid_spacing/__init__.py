"""Parameter calibration: which grid a market asks for, by a model, and what that is worth against simpler choices."""
