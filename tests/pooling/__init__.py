"""Tests of `recommender.pooling`."""
