"""Why a model answered what it did: exact contributions, the way to a leaf, calibration, and the past like it."""
