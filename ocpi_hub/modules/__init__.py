"""The OCPI face: the client-owned-object router once, and the modules that it cannot say."""
