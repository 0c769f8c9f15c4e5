"""Commands of the link's security, one of each."""

from bridge_ocpp.port import (
    Command,
    DeleteCertificate,
    InstallCertificate,
    ListCertificates,
    RequestSigning,
    RotatePassword,
)

SECURITY: list[Command] = [
    RotatePassword(),
    RequestSigning(),
    RequestSigning("V2G20Certificate"),
    InstallCertificate("CSMSRootCertificate", "-----BEGIN CERTIFICATE-----"),
    ListCertificates(),
    ListCertificates(("CSMSRootCertificate", "V2GRootCertificate")),
    DeleteCertificate("SHA256", "aa", "bb", "1f"),
]
