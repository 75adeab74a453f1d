"""Rows of the Gold tables behind the use cases: what was known at a moment, and what came after it."""
