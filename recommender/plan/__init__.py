"""What a model and a roster decide of every score, compiled before a request."""
