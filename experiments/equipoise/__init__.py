"""What lots within ties and kept last places change, where the truth is known."""
