"""The staff pages in a real browser: what the browser tests walk through, and pictures of it."""
