"""The score guard: a heuristic backtested as it is, and again with a model's score in its way."""
