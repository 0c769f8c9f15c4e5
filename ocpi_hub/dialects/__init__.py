"""How partners say it: the interop profile of one partner, and documents as it wants them. Pure."""
