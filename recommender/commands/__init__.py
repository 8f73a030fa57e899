"""What can be typed, by subject; each module adds its commands to the one application in `cli`."""
