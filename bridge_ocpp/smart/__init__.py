"""Sharing a site's power among the cars that are plugged in."""
