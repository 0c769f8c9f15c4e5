"""No secret and no driver's token reaches a log line, whichever way it is logged."""

import io
import json
import logging

import pytest
import structlog

from ocpi_hub.base.log import MASK, configure_logs, redact

SECRET = "c2VjcmV0LXRva2VuLW9mLWEtcGFydG5lcg"


@pytest.fixture
def stream():
    before = (logging.getLogger().handlers[:], logging.getLogger().level, structlog.get_config())
    out = io.StringIO()
    configure_logs(level="DEBUG", form="json", stream=out)
    yield out
    logging.getLogger().handlers[:] = before[0]
    logging.getLogger().setLevel(before[1])
    structlog.configure(**before[2])


@pytest.mark.parametrize(
    "record",
    [
        {"token": SECRET},
        {"credentials_token": SECRET},
        {"Authorization": f"Token {SECRET}"},
        {"headers": {"authorization": f"Basic {SECRET}"}},
        {"payload": {"idTag": SECRET}},
        {"payload": {"idToken": {"idToken": SECRET, "type": "ISO14443"}}},
        {"payload": {"key": "AuthorizationKey", "AuthorizationKey": SECRET}},
        {"uid": SECRET},
        {"error": f"401 for Authorization: Token {SECRET}"},
        {"error": f'{{"token": "{SECRET}"}}'},
        {"url": f"postgresql://hub:{SECRET}@db/hub"},
        {"database_url": f"postgresql://hub:{SECRET}@db/hub"},
        {"rows": [{"password": SECRET}]},
    ],
)
def test_a_secret_is_masked_wherever_it_stands(stream, record):
    structlog.get_logger().info("something.happened", **record)
    line = stream.getvalue()
    assert SECRET not in line
    assert json.loads(line)["event"] == "something.happened"


def test_what_libraries_log_passes_the_same_way(stream):
    logging.getLogger("some.library").warning("sent Authorization: Token %s", SECRET)
    logging.getLogger("some.library").warning("with extra", extra={"password": SECRET})
    assert SECRET not in stream.getvalue()
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == ["warning", "warning"]


def test_what_a_library_says_for_a_terminal_is_not_said_twice(stream):
    logging.getLogger("uvicorn.error").warning("it runs", extra={"color_message": "it \x1b[1mruns\x1b[0m"})
    assert "color_message" not in json.loads(stream.getvalue())


def test_a_traceback_is_masked_too(stream):
    try:
        raise ValueError(f"cannot use token={SECRET}")
    except ValueError:
        structlog.get_logger().exception("job.failed")
    assert SECRET not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


def test_what_is_no_secret_stays():
    record = {"platform": "p1", "token_type": "RFID", "evse_uid": "E1", "milliseconds": 12, "path": "/ocpi/versions"}
    assert redact(record) == record
    assert redact({"token": None}) == {"token": None}
    assert redact({"token": "x"}) == {"token": MASK}


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("form", "kind", "is_json"), [
    ("auto", io.StringIO, True), ("auto", Terminal, False), ("json", Terminal, True), ("console", io.StringIO, False),
])  # fmt: skip
def test_lines_are_for_people_in_a_terminal_and_json_elsewhere(
    stream: io.StringIO, form: str, kind: type[io.StringIO], is_json: bool
) -> None:
    out = kind()
    configure_logs(level="INFO", form=form, stream=out)
    structlog.get_logger().info("charger.placed", charger="BOX-1", password="hunter22")
    line = out.getvalue().splitlines()[-1]
    assert "hunter22" not in line
    assert "BOX-1" in line
    assert line.startswith("{") == is_json
