"""Webhooks: signed messages about decisions and ratings, sent to a practice's own programs."""
