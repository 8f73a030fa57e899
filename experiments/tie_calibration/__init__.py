"""Whether one clinician is truly ahead of another as often as the model says."""
