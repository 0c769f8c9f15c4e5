"""What Prometheus may count in this process. No label names a partner's object, a driver or a free text."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "ocpi_requests_total",
    "OCPI requests by module, interface, method, HTTP status and OCPI status",
    ["module", "interface", "method", "http_status", "status_code"],
    registry=REGISTRY,
)
LATENCY = Histogram(
    "ocpi_request_seconds",
    "Seconds from the request's headers to the answer's, by module and method",
    ["module", "method"],
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

ProcessCollector(registry=REGISTRY)
