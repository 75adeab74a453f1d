"""Gold: training tables promoted from Silver after checks that block."""
