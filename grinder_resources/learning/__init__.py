"""From a Gold table to fitted heads: specs, splits, the design matrix, boosters."""
