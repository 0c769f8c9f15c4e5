"""Upkeep of chargers: firmware, logs, monitors and alerts, displays, customers' data. Tables live with their writers.

What is to be asked stands in rows; foreman.py asks it, so that nothing is lost with a process.
"""
