"""The architecture as a test: who may import whom, and which room owns which power.

The plan is in docs/architecture.md. A file imports only lower floors or its own folder, and never in a circle.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS: list[set[str]] = [
    {"base", "wire"},
    {"dialects", "pricing", "objects"},
    {"partners"},
    {"routing", "delivery"},
    {"chargers", "clearing"},
    {"modules"},
    {"api", "admin", "worker"},
    {"app", "bridge", "cli", "embedded", "simulator"},
]
TOWER: list[set[str]] = [
    {"clock", "config", "ledger", "ocppj", "passwords", "port", "sizes", "tables"},
    {"asking", "codec", "journal", "meter", "schemas", "speaker"},
    {"hearing", "quirks", "relay"},
    {"desk", "dialects"},
    {"connected", "records"},
    {"errands", "transactions", "reservations"},
    {"smart"},
    {"noting"},
    {"commands"},
    {"devices", "security", "upkeep"},
    {"book", "coming", "procedures", "server", "status"},
    {"going"},
    {"handlers"},
    {"connection"},
    {"seats"},
    {"bridge"},
]
"""The same for the rooms of the tower; its simulator stands beside it, and shares no code with it."""
LEVELS = {
    "ocpi_hub": {room: level for level, rooms in enumerate(FLOORS) for room in rooms},
    "bridge_ocpp": {room: level for level, rooms in enumerate(TOWER) for room in rooms},
}
BESIDE = {("bridge_ocpp", "simulator")}
ENTRIES = FLOORS[-1] | {"worker"}

# Who may import a library, by path from the root; a trailing slash is a whole folder.
POWERS: dict[str, tuple[str, ...]] = {
    "httpx": ("ocpi_hub/partners/client/", "ocpi_hub/simulator/"),
    "aiohttp": ("ocpi_hub/partners/client/", "ocpi_hub/simulator/"),
    "celery": ("ocpi_hub/base/jobs.py", "ocpi_hub/worker.py"),
    "websockets": ("bridge_ocpp/server.py", "bridge_ocpp/simulator/"),
}
PURE = (
    "ocpi_hub/wire/",
    "ocpi_hub/dialects/",
    "ocpi_hub/pricing/",
    "ocpi_hub/objects/patch.py",
    "ocpi_hub/routing/address.py",
    "ocpi_hub/delivery/backoff.py",
    "ocpi_hub/chargers/mapping.py",
    "bridge_ocpp/port/",
    "bridge_ocpp/ocppj.py",
    "bridge_ocpp/dialects/",
)
IO = {
    *("asyncio", "socket", "subprocess", "threading", "os", "random", "urllib.request", "logging", "structlog"),
    *("aiohttp", "httpx", "websockets", "redis", "asyncpg", "sqlalchemy", "sqlmodel", "celery", "fastapi", "starlette"),
}
COMMITS = ("ocpi_hub/base/database.py",)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path, *, typing_only: bool = True, froms: bool = True) -> Iterator[str]:
    """The dotted names that a file imports; names under TYPE_CHECKING too, and what names are taken from, if asked."""
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    if not typing_only:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
                skipped.update(child for line in node.body for child in ast.walk(line))
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            if froms:
                yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room(dotted: str) -> tuple[str, str] | None:
    """The package of ours and the room in it that a dotted name leads to."""
    package, _, rest = dotted.partition(".")
    own = rest.partition(".")[0]
    return (package, own) if own in LEVELS.get(package, {}) or (package, own) in BESIDE else None


def leads_to(dotted: str, files: Collection[str]) -> str:
    """The file of ours that a dotted name is, or is in; "" when it is none of ours."""
    while dotted and dotted not in files:
        dotted = dotted.rpartition(".")[0]
    return dotted


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """The names that lead back to themselves, those of each circle together (Tarjan, 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        path.append(node)
        for other in sorted(edges[node]):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in path:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            circle = path[path.index(node) :]
            del path[path.index(node) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for node in sorted(edges):
        if node not in number:
            visit(node)
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", LEVELS)
def test_every_room_stands_on_a_floor(package: str) -> None:
    rooms = {p.stem if p.suffix == ".py" else p.name for p in (ROOT / package).iterdir() if p.name[0] not in "_."}
    planned = set(LEVELS[package]) | {own for beside, own in BESIDE if beside == package}
    assert rooms == planned, f"not on the plan, or not there: {sorted(rooms ^ planned)}"


@pytest.mark.parametrize("path", sources(*LEVELS), ids=name)
def test_a_file_imports_only_lower_floors_or_its_own_folder(path: Path) -> None:
    package, own = path.relative_to(ROOT).with_suffix("").parts[:2]
    if own == "__init__":
        return
    level = LEVELS[package]
    for dotted in imports(path):
        found = room(dotted)
        if found is None or found[0] != package or found[1] == own:
            continue
        other = found[1]
        assert not {(package, own), found} & BESIDE, f"{name(path)} imports {dotted}"
        entry_pair = package == "ocpi_hub" and {own, other} <= FLOORS[-1]
        assert level[other] < level[own] or entry_pair, f"{name(path)} imports {dotted} from its own floor or above"


def test_no_circle_of_imports() -> None:
    """Not among files either, inside functions and for types included: what two need of each other lies below both."""
    files = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in sources(*LEVELS)}
    files = {dotted.removesuffix(".__init__"): path for dotted, path in files.items()}
    edges = {
        own: {leads_to(dotted, files) for dotted in imports(path, froms=False)} - {own, ""}
        for own, path in files.items()
    }
    assert circles(edges) == []


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d2"}, "d2": set()}) == [["b", "c"]]


@pytest.mark.parametrize("path", sources("bridge_ocpp"), ids=name)
def test_the_tower_never_imports_the_hub(path: Path) -> None:
    assert not [dotted for dotted in imports(path) if dotted.split(".")[0] == "ocpi_hub"]


@pytest.mark.parametrize("path", sources("ocpi_hub"), ids=name)
def test_the_hub_enters_the_tower_only_by_its_doors(path: Path) -> None:
    own = path.relative_to(ROOT / "ocpi_hub").parts[0].removesuffix(".py")
    used = {".".join(dotted.split(".")[:2]) for dotted in imports(path) if dotted.split(".")[0] == "bridge_ocpp"}
    allowed = {"bridge_ocpp"}
    if own in ("chargers", "admin"):
        allowed |= {f"bridge_ocpp.{door}" for door in ("port", "relay", "book")}
    if own in ENTRIES:
        allowed |= {f"bridge_ocpp.{door}" for door in ("port", "bridge", "config", "simulator", "tables")}
    assert used <= allowed, f"{name(path)} imports {sorted(used - allowed)}"


@pytest.mark.parametrize("path", sources("ocpi_hub", "bridge_ocpp"), ids=name)
def test_one_owner_per_power(path: Path) -> None:
    for dotted in imports(path):
        owners = POWERS.get(dotted.split(".")[0])
        if owners:
            assert any(name(path).startswith(owner) for owner in owners), f"{name(path)} imports {dotted}"


@pytest.mark.parametrize("path", [p for p in sources("ocpi_hub", "bridge_ocpp") if name(p).startswith(PURE)], ids=name)
def test_pure_rooms_do_no_io(path: Path) -> None:
    for dotted in imports(path, typing_only=False):
        assert not {dotted, dotted.split(".")[0]} & IO, f"{name(path)} imports {dotted}"


def test_only_publish_calls_writing() -> None:
    callers = {
        name(p) for p in sources("ocpi_hub") if any(d.startswith("ocpi_hub.objects.writing") for d in imports(p))
    }
    assert callers - {"ocpi_hub/delivery/publish.py"} == set()


@pytest.mark.parametrize("path", sources("ocpi_hub", "bridge_ocpp"), ids=name)
def test_commits_happen_only_at_the_edges(path: Path) -> None:
    if name(path) in COMMITS:
        return
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert not calls, f"{name(path)} commits at lines {calls}"


@pytest.mark.parametrize("path", sources("ocpi_hub", "bridge_ocpp"), ids=name)
def test_a_file_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{name(path)} has no docstring"


def test_no_version_number_above_the_dialects() -> None:
    """Versions of OCPP are known to dialects/, schemas and the simulator; nothing above asks "if 1.6"."""
    knowing = ("bridge_ocpp/dialects/", "bridge_ocpp/schemas.py", "bridge_ocpp/simulator", "bridge_ocpp/server.py")
    for path in sources("bridge_ocpp"):
        if name(path).startswith(knowing):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                text = ast.unparse(node)
                assert not any(
                    v in text for v in ("'ocpp1.6'", "'ocpp2.0.1'", "'ocpp2.1'", "'1.6'", "'2.0.1'", "'2.1'")
                ), f"{name(path)}:{node.lineno} compares a version: {text}"
