"""The state of certificate chains, which 2.1 chargers ask for. Pure tables."""

from collections.abc import Mapping
from datetime import timedelta

from bridge_ocpp.clock import write_time
from bridge_ocpp.dialects.security_words import ChainStatusAsked
from bridge_ocpp.dialects.words import Inbound, Payload, Reply

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


INBOUND: Mapping[str, Inbound] = {"GetCertificateChainStatus": Inbound(_asked, _answer)}
