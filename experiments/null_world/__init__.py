"""How often a gain is claimed where there is none to be had."""
