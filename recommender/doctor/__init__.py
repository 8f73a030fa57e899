"""Looks at a deployment and says what to mend. Imported by `commands`."""
