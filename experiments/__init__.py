"""Questions asked of the engine: simulated practices, public data sets, comparisons.

Experiments import `recommender`; nothing in `recommender` imports them.
"""
