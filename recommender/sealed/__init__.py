"""A bundle as it lies on disk, read as something a stranger may have written."""
