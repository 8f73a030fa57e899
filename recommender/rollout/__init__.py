"""New champions on their way from the registry to a server: poll, download, smoke test, cache."""
