"""Our own chargers as one more CPO."""
