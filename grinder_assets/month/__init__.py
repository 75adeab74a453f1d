"""The simulated month: a real Dagster daemon under a clock that jumps, and a market that lands day by day."""
