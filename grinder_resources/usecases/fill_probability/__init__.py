"""The use case of fill probabilities: how likely an order fills, how soon, and what a trader makes of knowing."""
