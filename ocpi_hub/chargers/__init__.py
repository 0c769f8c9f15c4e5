"""Our own chargers as one more CPO: what they say becomes OCPI objects, what partners ask reaches them."""
