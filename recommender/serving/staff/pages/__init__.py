"""The routes of the staff pages, one module a page."""
