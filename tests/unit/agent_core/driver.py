"""One machine with a witness that answers at once, fences and resources that obey, and a clock.

Real parts but the world: the machine is the product's. What a test wants to go wrong it sets:
``witness_up``, ``failing`` (resources whose start fails), ``sick`` (monitors that fail).
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from hacluster_node.core import effects, events
from hacluster_node.core.clocks import Clocks
from hacluster_node.core.config import AgentConfig, Group, HeartbeatTimes, Node, Partition, Resource
from hacluster_node.core.events import WitnessOutcome
from hacluster_node.core.heartbeat import GroupReport, Heartbeat, Promise, Standing
from hacluster_node.core.machine import Machine
from hacluster_node.core.record import Record

if TYPE_CHECKING:
    from hacluster_node.timing import Timings

T = TypeVar("T")

GROUP = Group("g", (Resource("disk"), Resource("app", depends_on=("disk",))))


def config(
    *groups: Group, node: str = "n1", names: tuple[str, ...] = ("n1", "n2"), **changes: Any
) -> AgentConfig:
    """Return a configuration; ``changes`` go to it, ``timings`` and such to its partition."""
    inner = {k: changes.pop(k) for k in list(changes) if k in Partition.__dataclass_fields__}
    base = AgentConfig(
        cluster="c",
        node=node,
        nodes=tuple(Node(name) for name in names),
        groups=groups or (GROUP,),
        partition=Partition(**inner),
        heartbeat=HeartbeatTimes(1.0, 10.0),
    )
    return replace(base, **changes)


def held_by(node: str, epoch: int = 1, **changes: Any) -> Record:
    """Return a record held by another node."""
    return Record(node, f"{node}:run", f"{node}:boot", epoch, 15.0, 1)._replace(**changes)


class Driver:
    """Drives one machine."""

    def __init__(self, settings: AgentConfig | None = None, **options: Any) -> None:
        self.config = settings or config()
        self.clocks = Clocks(1000.0, 2000.0, 1e9)
        self.machine = Machine(self.config, "boot", options.get("run", "run"), options.get("saved"))
        self.record: Record | None = options.get("record", held_by("n2", 0, released=True))
        self.version = 1
        self.witness_up = options.get("witness_up", True)
        self.lose_replies = False
        self.fences = True
        self.failing: set[str] = set()
        self.early: set[str] = set()
        self.unstoppable: set[str] = set()
        self.silent: set[str] = set()
        self.sick: set[str] = set()
        self.out: list[Any] = []
        self.nonces: dict[str, str] = {}
        self.queue: deque[tuple[Any, tuple[Any, ...]]] = deque()
        self.tell(events.Started)

    @property
    def timings(self) -> Timings:
        return self.machine.node.timings

    def tell(self, kind: Any, *arguments: Any) -> None:
        """Give the machine an event now, and let the world react."""
        self.queue.append((kind, arguments))
        if len(self.queue) > 1:
            return
        while self.queue:
            kind, arguments = self.queue[0]
            for effect in self.machine.step(kind(self.clocks, *arguments)):
                self.out.append(effect)
                self.react(effect)
            self.queue.popleft()

    def react(self, effect: Any) -> None:
        """Do what an obedient world does."""
        if isinstance(effect, effects.SendHeartbeat):
            self.nonces[effect.to] = effect.body.nonce
        elif isinstance(effect, effects.Fence) and self.fences:
            self.queue.append((events.FenceDone, (effect.group, effect.fence)))
        elif isinstance(effect, effects.StartResource):
            early = effect.resource in self.early
            ok = not early and effect.resource not in self.failing
            why = "" if ok else "broken"
            self.queue.append((events.ResourceDone, (effect.action, ok, why, early)))
        elif isinstance(effect, effects.StopResource):
            if effect.resource in self.silent:
                return
            ok = effect.resource not in self.unstoppable
            self.queue.append((events.ResourceDone, (effect.action, ok)))
        elif isinstance(effect, effects.RunCheck):
            ok = effect.monitor not in self.sick
            self.queue.append((events.CheckDone, (effect.check, ok, "" if ok else "sick")))
        elif isinstance(effect, effects.RunScript):
            self.queue.append((events.ScriptDone, (effect.run, 0)))
        elif isinstance(effect, (effects.ReadWitness, effects.WriteWitness)) and self.witness_up:
            answer = self.serve(effect)
            if not (self.lose_replies and isinstance(effect, effects.WriteWitness)):
                self.queue.append((events.WitnessAnswered, (effect.request, *answer)))

    def serve(self, effect: Any) -> tuple[Any, ...]:
        """Answer as a witness does."""
        version = f"v{self.version}" if self.record is not None else None
        if isinstance(effect, effects.WriteWitness):
            if effect.expect != version:
                return (WitnessOutcome.CONFLICT,)
            self.write(effect.record)
        if self.record is None:
            return (WitnessOutcome.ABSENT,)
        return WitnessOutcome.OK, self.record, f"v{self.version}"

    def write(self, record: Record | None) -> None:
        """Change what the witness stores, as another node would."""
        self.record = record
        self.version += 1

    def move(self, seconds: float) -> None:
        """Move the clocks without waking anything."""
        self.clocks = Clocks(*(clock + seconds for clock in self.clocks))

    def run(self, seconds: float) -> None:
        """Let time pass, waking the machine whenever it asked for it."""
        end = self.clocks.raw + seconds
        while self.machine.wake_at <= end:
            self.move(max(0.0, self.machine.wake_at - self.clocks.raw))
            self.tell(events.Woke)
        self.move(end - self.clocks.raw)

    def hear(
        self,
        sender: str = "n2",
        standing: Standing = Standing.INACTIVE,
        *,
        run: str = "",
        boot: str = "",
        echo: str | None = None,
        **more: Any,
    ) -> None:
        """Let a heartbeat of a peer arrive that echoes our newest nonce."""
        report = GroupReport("g", standing, more.pop("epoch", 0), more.pop("eligible", True))
        uptime_s = more.pop("uptime_s", self.clocks.raw)
        nonce = self.nonces.get(sender, "") if echo is None else echo
        body = Heartbeat("theirs:1", nonce, uptime_s, (report,), **more)
        boot, run = boot or f"{sender}:boot", run or f"{sender}:run"
        self.tell(events.HeartbeatReceived, sender, boot, run, body)

    def hear_for(self, seconds: float, *senders: str, **words: Any) -> None:
        """Let time pass while peers are heard every second."""
        for _ in range(int(seconds)):
            for sender in senders or ("n2",):
                self.hear(sender, **words)
            self.run(1.0)

    def promise(self, sender: str = "n2", *, given: bool = True) -> None:
        """Let a peer answer the newest promise request."""
        request = self.last(effects.SendHeartbeat, lambda e: bool(e.body.requests)).body.requests[0]
        answer = Promise(request.group, request.epoch, request.nonce, given, "")
        self.hear(sender, promises=(answer,))

    def command(self, command: Any) -> effects.Reply:
        """Give an order and return the reply."""
        self.tell(events.Commanded, "id", command)
        return self.last(effects.Reply)

    def all(self, kind: type[T]) -> list[T]:
        """Return every effect of a kind so far."""
        return [effect for effect in self.out if isinstance(effect, kind)]

    def last(self, kind: type[T], fits: Any = lambda _: True) -> T:
        """Return the newest effect of a kind."""
        return [effect for effect in self.all(kind) if fits(effect)][-1]

    def decided(self, what: str) -> list[effects.Decided]:
        """Return the decisions of one name."""
        return [effect for effect in self.all(effects.Decided) if effect.what == what]

    def forget(self) -> None:
        """Start a new list of effects."""
        self.out.clear()

    @property
    def active(self) -> bool:
        """Whether the group serves here."""
        return self.machine.why_not_active("g") == ""


def active(settings: AgentConfig | None = None, **options: Any) -> Driver:
    """Return a driver whose machine is active, with a silent past."""
    driver = Driver(settings, **options)
    driver.run(5.0)
    assert driver.active, driver.machine.sentence()
    driver.forget()
    return driver
