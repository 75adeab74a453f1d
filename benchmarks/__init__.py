"""Measurements. Each module is a program with `--quick`; `python -m benchmarks` runs all of them."""
