"""Cars in OCPP 2.1: more room than 2.0.1, the status of whole chains, drivers' VAT numbers. Pure tables."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bridge_ocpp.clock import write_time
from bridge_ocpp.dialects.car_words import ChainStatusAsked, Standing, VatNumberAsked, named
from bridge_ocpp.dialects.v201 import cars
from bridge_ocpp.dialects.words import CertificateNamed, Inbound, Payload, Reply
from bridge_ocpp.port import VatAnswer

LONGEST_OCSP, LONGEST_EXI = 18_000, 17_000
ASK_AGAIN = timedelta(days=1)
"""When a charger asks again about what nobody could tell."""
_COMPANY = {"name": 50, "address1": 100, "address2": 100, "city": 100, "postalCode": 20, "country": 50}
_NEEDED = ("name", "address1", "city", "country")


def _chain_asked(payload: Payload) -> ChainStatusAsked:
    asked = payload["certificateStatusRequests"]
    return ChainStatusAsked(
        tuple(named(each["certificateHashData"], tuple(each["urls"]), each["source"]) for each in asked)
    )


def _chain_answer(reply: Reply) -> Payload:
    found: list[tuple[CertificateNamed, Standing]] = reply.content
    return {
        "certificateStatus": [
            {
                "certificateHashData": {
                    "hashAlgorithm": each.hash_algorithm,
                    "issuerNameHash": each.issuer_name_hash,
                    "issuerKeyHash": each.issuer_key_hash,
                    "serialNumber": each.serial_number,
                },
                "source": each.source,
                "status": standing.status,
                "nextUpdate": write_time(standing.next_update or reply.now + ASK_AGAIN),
            }
            for each, standing in found
        ]
    }


def _vat_asked(payload: Payload) -> VatNumberAsked:
    evse = payload.get("evseId")
    return VatNumberAsked(payload["vatNumber"], None if evse is None else int(evse))


def _vat_answer(reply: Reply) -> Payload:
    asked: VatNumberAsked
    said: VatAnswer
    asked, said = reply.content
    payload: dict[str, Any] = {"vatNumber": asked.number, "status": "Accepted" if reply.accepted else "Rejected"}
    if asked.evse_id is not None:
        payload["evseId"] = asked.evse_id
    if not reply.accepted:
        payload["statusInfo"] = cars.info(reply.code, reply.reason)
    company = {
        name: said.company[name][:most] for name, most in _COMPANY.items() if said.company and said.company.get(name)
    }
    if all(name in company for name in _NEEDED):
        payload["company"] = company
    return payload


INBOUND: Mapping[str, Inbound] = {
    **cars.table(ocsp=LONGEST_OCSP, exi=LONGEST_EXI, counts=True),
    "GetCertificateChainStatus": Inbound(_chain_asked, _chain_answer),
    "VatNumberValidation": Inbound(_vat_asked, _vat_answer),
}
