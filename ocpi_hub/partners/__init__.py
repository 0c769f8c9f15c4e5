"""Who speaks: platforms, their parties, endpoints and credentials tokens; the client that calls them; the handshake."""
