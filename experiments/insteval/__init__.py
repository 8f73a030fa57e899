"""Lecture ratings of ETH Zurich (lme4's InstEval): many clients, many clinicians. See README.md."""
