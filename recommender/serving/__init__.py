"""The HTTP door: one practice, one model, one roster, answered as bytes."""
