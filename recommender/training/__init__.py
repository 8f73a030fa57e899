"""Training: from tables to a bundle that passed the gate. Meets `serving` in the bundle only."""
