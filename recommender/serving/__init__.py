"""The HTTP server: API routes and staff pages for one practice, one model and one roster."""
