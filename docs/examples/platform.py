#!/usr/bin/env python3
"""The least that a platform must be to connect to a hub: it shows its versions and prints what it hears.

    python3 docs/examples/platform.py 8001 locations,sessions,cdrs,tariffs tokens,commands     a CPO
    python3 docs/examples/platform.py 8002 tokens locations,sessions,cdrs,tariffs,hubclientinfo an eMSP

The arguments: a port, the modules that it offers (SENDER), and those that it wants to be told (RECEIVER). It needs
Python and nothing else, keeps nothing, and lets everybody in: a lab, not a platform. It is the party NL/ABC where it
offers locations, else DE/APP; and it answers the hub's credentials when the hub begins (`partner connect`, `rotate`).
"""

import json
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, SENDS, HEARS = int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3].split(",")
TOKEN = Path(__file__).with_name("token.json")
HERE = f"http://127.0.0.1:{PORT}"
DETAILS = {
    "version": "2.2.1",
    "endpoints": [
        {"identifier": "credentials", "role": "SENDER", "url": f"{HERE}/credentials"},
        *({"identifier": name, "role": "SENDER", "url": f"{HERE}/sender/{name}"} for name in SENDS),
        *({"identifier": name, "role": "RECEIVER", "url": f"{HERE}/receiver/{name}"} for name in HEARS),
    ],
}
ROLE = {"role": "CPO", "country_code": "NL", "party_id": "ABC", "business_details": {"name": "StationCo"}}
if "locations" not in SENDS:
    ROLE = {"role": "EMSP", "country_code": "DE", "party_id": "APP", "business_details": {"name": "GreenApp"}}
# A platform makes a new token each time that it is asked for one, and forgets the old; this one lets everybody in.
CREDENTIALS = {"token": "the-token-that-the-hub-shall-present-to-us", "url": f"{HERE}/versions", "roles": [ROLE]}


class Platform(BaseHTTPRequestHandler):
    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        print(f"\n{self.command} {self.path}")
        for name, value in self.headers.items():
            if name.lower().startswith(("ocpi-", "x-")):
                print(f"  {name}: {value}")
        if body:
            print(json.dumps(json.loads(body), indent=2), flush=True)
        self.say(self.data(body))

    def data(self, body: bytes) -> object:
        match self.path.partition("?")[0].strip("/").split("/"):
            case ["credentials"] if self.command != "DELETE":
                return CREDENTIALS
            case ["versions"]:
                return [{"version": "2.2.1", "url": f"{HERE}/2.2.1"}]
            case ["2.2.1"]:
                return DETAILS
            case ["sender", "tokens", _, "authorize"]:
                return {"allowed": "ALLOWED", "token": json.loads(TOKEN.read_text())}
            case ["sender", _]:
                return []
            case ["receiver", "commands" | "chargingprofiles", *_]:
                return {"result": "ACCEPTED", "timeout": 30}
        return None

    def say(self, data: object) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = {"status_code": 1000, "timestamp": now} | ({} if data is None else {"data": data})
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if self.command == "POST" and self.path.endswith("/cdrs"):
            self.send_header("Location", f"{HERE}/receiver/cdrs/1")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        """It has printed what matters."""


print(f"{HERE}/versions", flush=True)
ThreadingHTTPServer(("127.0.0.1", PORT), Platform).serve_forever()
