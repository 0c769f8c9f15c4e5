"""Benchmarks: `make bench` runs all, `python -m benchmarks.NAME` one. Each prints a table and its target."""
