"""Statistics of a model in use: coverage, calibration, error, drift, exposure and records."""
