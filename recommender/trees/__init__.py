"""A LightGBM ensemble as text: checked, scored and taken apart into exact contributions."""
