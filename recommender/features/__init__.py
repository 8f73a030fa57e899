"""Feature rows from encoded answers, by one fitted pipeline."""
