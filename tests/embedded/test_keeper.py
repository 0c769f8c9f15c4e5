"""The keeper's patience: restarts come later and later, and steady running forgives."""

from dataclasses import dataclass, field

from ocpi_hub.embedded.keeper import Keeper
from ocpi_hub.embedded.processes import EmbeddedError


@dataclass
class Part:
    """A part that lives and dies as the test says."""

    name: str = "api"
    pid: int | None = None
    starts: list[float] = field(default_factory=list)
    dead: str | None = None
    refuses: bool = False
    now: float = 0.0

    def start(self) -> None:
        self.starts.append(self.now)
        self.dead = None
        if self.refuses:
            raise EmbeddedError("cannot be started")

    def ready(self) -> bool:
        return self.dead is None

    def ended(self) -> str | None:
        return self.dead


def live(part: Part, keeper: Keeper, until: float, *, dies: bool) -> None:
    """Look every eighth of a second; the part dies as soon as it was started."""
    while part.now < until:
        if dies and not part.refuses:
            part.dead = "exit status 1"
        keeper.look()
        part.now += 0.125


def test_pauses_double_up_to_half_a_minute() -> None:
    part = Part()
    live(part, Keeper([part], clock=lambda: part.now), 130, dies=True)
    pauses = [round(later - earlier, 1) for earlier, later in zip(part.starts, part.starts[1:], strict=False)]
    assert part.starts[0] == 0.25
    assert pauses == [0.6, 1.1, 2.1, 4.1, 8.1, 16.1, 30.1, 30.1, 30.1]


def test_a_minute_of_running_is_forgiven() -> None:
    part = Part()
    keeper = Keeper([part], clock=lambda: part.now)
    live(part, keeper, 20, dies=True)
    live(part, keeper, 120, dies=False)
    part.dead, died_at, part.starts = "killed by SIGKILL", part.now, []
    live(part, keeper, died_at + 5, dies=False)
    assert part.starts == [died_at + 0.25]


def test_a_part_that_cannot_even_be_started_is_tried_again() -> None:
    part = Part(refuses=True, dead="exit status 1")
    keeper = Keeper([part], clock=lambda: part.now)
    live(part, keeper, 4, dies=False)
    assert part.starts == [0.25, 0.75, 1.75, 3.75]


def test_one_dying_part_leaves_the_others_alone() -> None:
    api, worker = Part("api"), Part("worker", dead="exit status 1")
    keeper = Keeper([api, worker], clock=lambda: worker.now)
    live(worker, keeper, 1, dies=False)
    assert (api.starts, worker.starts) == ([], [0.25])
