"""The bundle file format: one trained model as text and arrays under one digest."""
