"""No password reaches the journal."""

from typing import Any

import pytest

from bridge_ocpp.journal import MASK, mask


@pytest.mark.parametrize(
    ("payload", "masked"),
    [
        (
            {"key": "AuthorizationKey", "value": "0011"},
            {"key": "AuthorizationKey", "value": MASK},
        ),
        (
            {
                "configurationKey": [
                    {"key": "AuthorizationKey", "readonly": False, "value": "0011"},
                    {"key": "X", "value": "1"},
                ]
            },
            {
                "configurationKey": [
                    {"key": "AuthorizationKey", "readonly": False, "value": MASK},
                    {"key": "X", "value": "1"},
                ]
            },
        ),
        (
            {
                "setVariableData": [
                    {
                        "component": {"name": "SecurityCtrlr"},
                        "variable": {"name": "BasicAuthPassword"},
                        "attributeValue": "secret",
                    }
                ]
            },
            {
                "setVariableData": [
                    {
                        "component": {"name": "SecurityCtrlr"},
                        "variable": {"name": "BasicAuthPassword"},
                        "attributeValue": MASK,
                    }
                ]
            },
        ),
        (
            {
                "reportData": [
                    {"variable": {"name": "BasicAuthPassword"}, "variableAttribute": [{"type": "Actual", "value": "s"}]}
                ]
            },
            {
                "reportData": [
                    {
                        "variable": {"name": "BasicAuthPassword"},
                        "variableAttribute": [{"type": "Actual", "value": MASK}],
                    }
                ]
            },
        ),
        (
            {"connectionData": {"apn": {"apnPassword": "p", "apnUserName": "u"}, "vpn": {"password": "p", "key": "k"}}},
            {
                "connectionData": {
                    "apn": {"apnPassword": MASK, "apnUserName": "u"},
                    "vpn": {"password": MASK, "key": MASK},
                }
            },
        ),
        ({"idTag": "T", "value": "kept", "password": ""}, {"idTag": "T", "value": "kept", "password": ""}),
    ],
)
def test_secrets_are_masked(payload: dict[str, Any], masked: dict[str, Any]) -> None:
    assert mask(payload) == masked
