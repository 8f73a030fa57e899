"""One fitted path from encoded answers to the rows a model sees, for a million pairings or one."""
