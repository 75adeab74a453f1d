"""Leak checks: what must hold of a dataset and its splits before a model may learn from them."""
