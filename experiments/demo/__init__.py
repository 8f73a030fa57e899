"""The main job in one command, on a simulated practice."""
