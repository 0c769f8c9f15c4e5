"""The form of VAT numbers in the European Union: what cannot be one is said at once, without asking anybody. Pure."""

import re
from collections.abc import Mapping

_FORMS: Mapping[str, str] = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{10}\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{12}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|(GD|HA)\d{3})",
}
"""By member state, as the Union's own service (VIES) has them; EL is Greece, XI Northern Ireland."""
_ANY = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,18}")


def plain(number: str) -> str:
    """Without what people write between: `be 0123.456.789` is BE0123456789."""
    return re.sub(r"[\s.\-/]", "", number).upper()


def may_be(number: str) -> bool:
    """Whether a plain number has the form of its country; of countries outside the Union only that it names one."""
    if not _ANY.fullmatch(number):
        return False
    form = _FORMS.get(number[:2])
    return form is None or re.fullmatch(form, number[2:]) is not None
