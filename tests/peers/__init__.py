"""Platforms that are not ours, in processes and virtual environments of their own."""
