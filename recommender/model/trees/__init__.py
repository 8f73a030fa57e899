"""A LightGBM ensemble read from its text: validated, scored, and split into Shapley values."""
