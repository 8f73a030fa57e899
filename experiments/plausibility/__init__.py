"""How often honest tables are called implausible."""
