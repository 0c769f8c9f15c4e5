"""Certificates in 2.1: the state of chains, which chargers ask for, and requests with a number. Pure tables."""

from collections.abc import Mapping
from datetime import timedelta

from bridge_ocpp.clock import write_time
from bridge_ocpp.dialects.alike import TAKEN
from bridge_ocpp.dialects.security_words import ChainStatusAsked, DeliverCertificate
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, Reply, outcome
from bridge_ocpp.port import Transaction

ASK_AGAIN = timedelta(days=1)


def _asked(payload: Payload) -> ChainStatusAsked:
    return ChainStatusAsked(tuple(payload["certificateStatusRequests"]))


def _answer(reply: Reply) -> Payload:
    """We ask no OCSP responder and read no revocation list: each status is Failed, which is the word for that."""
    return {
        "certificateStatus": [
            {
                "certificateHashData": wanted["certificateHashData"],
                "source": wanted["source"],
                "status": "Failed",
                "nextUpdate": write_time(reply.now + ASK_AGAIN),
            }
            for wanted in reply.content
        ]
    }


def _deliver(command: DeliverCertificate, _: Transaction | None) -> Payload:
    """The charger's own number of its request comes back to it (2.1, A02.FR.15)."""
    payload = {"certificateChain": command.chain, "certificateType": command.kind}
    return payload if command.number is None else payload | {"requestId": command.number}


INBOUND: Mapping[str, Inbound] = {"GetCertificateChainStatus": Inbound(_asked, _answer)}
OUTBOUND: Mapping[type, Outbound] = {DeliverCertificate: Outbound("CertificateSigned", _deliver, outcome(TAKEN))}
