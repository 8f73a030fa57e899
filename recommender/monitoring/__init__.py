"""Statistics of a model in use: calibration, coverage, error, drift, exposure, clinician records."""
