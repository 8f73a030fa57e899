"""One module a change, in order; each is kept as it was when it first ran anywhere."""
