"""Silver: bars, one-second snapshots, level events, versioned feature sets."""
