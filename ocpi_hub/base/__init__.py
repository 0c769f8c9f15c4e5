"""The ground: settings, database, resources, jobs, logs, metrics. Knows no OCPI and no OCPP word."""
