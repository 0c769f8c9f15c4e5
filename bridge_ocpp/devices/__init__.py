"""What the bridge keeps of chargers as devices, beside their transactions: a file per block of the specification."""
