"""Certificates in 2.1: a charger's request has a number, which comes back with its certificate. Pure table."""

from collections.abc import Mapping

from bridge_ocpp.dialects.alike import TAKEN
from bridge_ocpp.dialects.security_words import DeliverCertificate
from bridge_ocpp.dialects.words import Outbound, Payload, outcome
from bridge_ocpp.port import Transaction


def _deliver(command: DeliverCertificate, _: Transaction | None) -> Payload:
    """The charger's own number of its request comes back to it (2.1, A02.FR.15)."""
    payload = {"certificateChain": command.chain, "certificateType": command.kind}
    return payload if command.number is None else payload | {"requestId": command.number}


OUTBOUND: Mapping[type, Outbound] = {DeliverCertificate: Outbound("CertificateSigned", _deliver, outcome(TAKEN))}
