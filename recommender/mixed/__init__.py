"""The linear mixed model in closed form, from blocks of columns to a fit that predicts."""
