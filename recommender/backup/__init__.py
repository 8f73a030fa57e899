"""One consistent copy of store, registry and bundle cache, and its way back."""
