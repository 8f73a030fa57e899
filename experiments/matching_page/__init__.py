"""The matching page in a real browser: what its tests walk through, pictures, and figures."""
