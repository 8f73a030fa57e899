"""The alliance model: its parts, its scores and contributions, and the bundle it is stored in."""
