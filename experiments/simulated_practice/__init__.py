"""A practice invented from a seed, with the truth kept beside it.

Real ratings never say what a client would have rated another clinician; here that is known, so
learners and gates can be checked against it.
"""
