"""Upkeep of chargers."""
