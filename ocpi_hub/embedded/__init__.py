"""The servers of a newcomer: real PostgreSQL and Valkey from wheels, and the supervisor of `serve`.

Knows processes, folders and sockets. No OCPI and no OCPP word may come in here.
"""
