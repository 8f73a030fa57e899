"""One module a migration, in order; none is edited after its release."""
