"""Fetching what partners have: their SENDER interfaces, page by page, into the same store that their pushes fill."""
