"""What the routes call: recommendations, their stored form, idempotent writes."""
