"""Kinds of answer a field can hold: how each is parsed, encoded as numbers and decoded again."""
