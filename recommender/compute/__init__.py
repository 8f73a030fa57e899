"""Independent tasks, in this process or on a Dask cluster."""
