"""The pages for partners are true: every command of theirs is run against a hub, and answers what the page says.

A ```sh block of such a page has a line `# → HTTP OCPI` before each curl. `$HUB`, `$TOKEN`, `$CPO` and `$EMSP` are what
the pages say that they are; docs/examples/platform.py is the partner.
"""

import asyncio
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from ocpi_hub.admin.partners import ConnectBody, connect, rotate
from tests.world.hub import Hub, running_hub

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
CPO_OFFERS = ("locations,sessions,cdrs,tariffs", "tokens,commands")
EMSP_OFFERS = ("tokens", "locations,sessions,cdrs,tariffs,hubclientinfo")
# Every answer is written down with what the page expects of it; an answer to POST credentials gives the token.
SHELL = r"""
set -u
curl() {
    local out code body
    out=$(command curl -w '\n%{http_code}' "$@"); code=${out##*$'\n'}; body=${out%$'\n'*}
    printf '%s|%s|%s\n' "$EXPECTED" "$code" "$body" >> "$ANSWERS"
    case "$*" in *"/credentials "*)
        token=$(printf %s "$body" | sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
        declare -g "$WHO=Authorization: Token $(printf %s "$token" | base64 -w0)"
        declare -p CPO EMSP > "$TOKENS"
    esac
}
"""

pytestmark = pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs curl and bash")


def script_of(page: str) -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks, f"{page} has no commands"
    lines = [line for block in blocks for line in block.splitlines()]
    assert sum("curl -s" in line for line in lines) == sum(line.startswith("# → ") for line in lines), page
    return "\n".join(re.sub(r"^# → (.*)$", r"EXPECTED='\1'", line) for line in lines)


@asynccontextmanager
async def platform(senders: str, receivers: str) -> AsyncIterator[int]:
    """docs/examples/platform.py, on some port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    example = DOCS / "examples" / "platform.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, example, str(port), senders, receivers, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(20):
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{port}/versions")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
        drained = asyncio.create_task(process.stdout.read())
        yield port
    finally:
        process.terminate()
        await process.wait()
        drained.cancel()


class Lab:
    """A hub, two example platforms, and a shell that walks through a page."""

    def __init__(self, hub: Hub, folder: Path, ports: tuple[int, int]) -> None:
        self.hub, self.folder, self.ports = hub, folder, ports

    async def walk(self, script: str, *, who: str = "NOBODY", token: str = "") -> list[tuple[str, str]]:
        """What each curl was to answer, and what it answered, as `HTTP OCPI`."""
        for port, ours in zip((8001, 8002), self.ports, strict=True):
            script = script.replace(f"127.0.0.1:{port}", f"127.0.0.1:{ours}")
        answers, tokens = self.folder / "answers", self.folder / "tokens"
        answers.write_text("")
        known = tokens.read_text() if tokens.exists() else "CPO= EMSP="
        given = {"HUB": self.hub.url, "TOKEN": token, "ANSWERS": answers, "TOKENS": tokens, "WHO": who}
        settings_ = "\n".join(f"{name}='{value}'" for name, value in given.items())
        whole = f"{settings_}\n{known}\n{SHELL}\n{script}\n"
        shell = await asyncio.create_subprocess_exec("bash", "-c", whole, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
        _, said = await shell.communicate()
        assert not said, said.decode()
        found = []
        for line in answers.read_text().splitlines():
            expected, code, body = line.split("|", 2)
            status = re.search(r'"status_code": ?(\d+)', body)
            found.append((expected, f"{code} {status[1] if status else body}"))
        return found

    async def register(self, page: str, who: str, party: tuple[str, str, str]) -> list[tuple[str, str]]:
        return await self.walk(script_of(page), who=who, token=await self.hub.invite(who, parties=[party]))

    async def empty(self) -> None:
        async with self.hub.resources.unit_of_work() as db:
            for table in ("location", "tariff", "token", "session", "cdr", "cdr_audit", "kept_count", "owed", "trail"):
                await db.execute(text(f"DELETE FROM {table}"))


@pytest.fixture
async def lab(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Lab]:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_hub(database_url, redis_url, works=True))
        cpo = await stack.enter_async_context(platform(*CPO_OFFERS))
        emsp = await stack.enter_async_context(platform(*EMSP_OFFERS))
        yield Lab(hub, tmp_path, (cpo, emsp))


BEFORE = {
    "modules/commands.md": ("locations/NL/ABC/LOC1 location",),
    "modules/chargingprofiles.md": ("sessions/NL/ABC/SESSION1 session",),
}
"""What a page takes for given."""


async def test_the_pages_for_partners_are_true(lab: Lab) -> None:
    wrong = []
    pages = ["headers.md", *(path.relative_to(DOCS).as_posix() for path in sorted((DOCS / "modules").glob("*.md")))]
    walked = {
        "connect-your-cpo.md": await lab.register("connect-your-cpo.md", "CPO", ("CPO", "NL", "ABC")),
        "connect-your-emsp.md": await lab.register("connect-your-emsp.md", "EMSP", ("EMSP", "DE", "APP")),
    }
    for page in pages:
        await lab.empty()
        for given in BEFORE.get(page, ()):
            where, name = given.split()
            url, body = f"$HUB/ocpi/2.2.1/receiver/{where}", f"@docs/examples/{name}.json"
            await lab.walk(f'command curl -s -o /dev/null -X PUT {url} -H "$CPO" -d {body}')
        walked[page] = await lab.walk(script_of(page))
    for page, answers in walked.items():
        assert len(answers) == script_of(page).count("EXPECTED="), f"{page}: {answers}"
        wrong += [f"{page}: {got} where it says {expected}" for expected, got in answers if expected != got]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "page", [path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md")) if "$HUB" in path.read_text()]
)
def test_a_page_sets_what_its_commands_use_or_says_where_it_is_set(page: str) -> None:
    text_ = (DOCS / page).read_text()
    used = set(
        re.findall(r"\$([A-Z_]+)\b", "\n".join(re.findall(r"^```sh\n(.*?)^```", text_, re.DOTALL | re.MULTILINE)))
    )
    set_ = set(re.findall(r"^([A-Z_]+)=", text_, re.MULTILINE))
    elsewhere = {"CPO": "connect-your-cpo.md", "EMSP": "connect-your-emsp.md", "HUB": "connect-your-"}
    lost = {name for name in used - set_ if elsewhere.get(name, "nowhere") not in text_}
    assert not lost, f"{page} uses {sorted(lost)} and sets them nowhere"


async def test_the_example_platform_takes_the_hub_in_and_new_tokens_from_it(database_url: str, redis_url: str) -> None:
    async with running_hub(database_url, redis_url) as hub, platform(*CPO_OFFERS) as port:
        url = f"http://127.0.0.1:{port}/versions"
        partner = await connect(hub.resources, ConnectBody(name="StationCo", versions_url=url, credentials_token="lab"))
        assert [(p["country_code"], p["party_id"], p["role"]) for p in partner["parties"]] == [("NL", "ABC", "CPO")]
        assert (await rotate(hub.resources, "StationCo"))["status"] == "CONNECTED"


def test_every_link_between_pages_leads_somewhere() -> None:
    lost = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text()):
            if not (page.parent / link).exists():
                lost.append(f"{page.relative_to(ROOT)}: {link}")
    assert not lost, lost
