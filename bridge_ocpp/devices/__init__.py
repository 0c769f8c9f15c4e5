"""The device behind the socket: what it is made of, what is wished of it, and what is owed to it until it is so."""
