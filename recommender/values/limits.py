"""Limits and defaults that settings share with the request path; importing them loads nothing."""

DEFAULT_TOP_K = 5
"""Length of a shortlist where a request does not say."""
MAX_TOP_K = 50
"""Longest shortlist; nobody behind the strongest so many is ranked."""
DRAFT_HOURS = 24
"""How long a draft is stored unless the practice says otherwise: until the next day's work. Chosen
by us."""
