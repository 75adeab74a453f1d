"""Tuning: declared parameters, a loop that suggests, applies, runs and observes, and components to tune."""
