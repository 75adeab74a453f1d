"""The model registry: an append-only, hash-chained log of which version of a model stands where, and why."""
