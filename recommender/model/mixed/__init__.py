"""A linear mixed model in closed form: blocks of columns, variances by restricted likelihood."""
