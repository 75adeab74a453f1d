"""Why a model answered what it did: exact contributions, the way to a leaf, calibration, and what the past had like it."""
