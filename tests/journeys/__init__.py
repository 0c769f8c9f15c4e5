"""The journeys of the house, told from end to end with real parts."""
