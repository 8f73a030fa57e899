"""The commands, by subject; each module adds its commands to the application in `cli.main`."""
