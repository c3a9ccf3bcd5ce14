"""Time, messages, the witness, the balancer, and the watch over the invariants.

Everything is an entry in one heap of (true time, number, function, arguments). Entries that belong
to a machine carry its raw due time: if the machine was frozen meanwhile they come back later.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from hacluster_node.core import effects, events
from hacluster_node.core.clocks import longest
from hacluster_node.core.events import WitnessOutcome
from hacluster_node.core.machine import Machine

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.simulation.host import Host

    from hacluster_node.core.config import AgentConfig
    from hacluster_node.core.record import Record

EPSILON_S = 0.002
"""Rounding of clock arithmetic: an invariant must be broken by more than this."""


class BrokenError(Exception):
    """An invariant does not hold."""


class Link(NamedTuple):
    """How messages fare in one direction."""

    up: bool = True
    loss: float = 0.0
    slow: float = 0.0
    """Share of messages with a delay of up to ``slow_s``."""
    slow_s: float = 0.0
    twice: float = 0.0


GOOD = Link()


class Action(NamedTuple):
    """How long resources take in this schedule."""

    start_s: float = 0.3
    stop_s: float = 0.2
    hang: bool = False


class World:
    """One schedule of one seed."""

    def __init__(
        self, rng: random.Random, hosts: list[Host], configs: dict[str, AgentConfig]
    ) -> None:
        self.rng = rng
        self.now = 0.0
        self.heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.number = 0
        self.hosts = hosts
        self.configs = configs
        """What is in force on each host."""
        self.published = dict(configs)
        """What the operator wrote last for each host."""
        self.links: dict[tuple[str, str], Link] = {}
        self.actions: dict[str, Action] = {}
        self.witness: dict[str, tuple[Record, str]] = {}
        self.witness_errors = 0.0
        self.disk_broken: set[str] = set()
        self.versions = 0
        self.holders: dict[tuple[str, int], str] = {}
        self.activated: dict[str, int] = {}
        self.probed: dict[str, int] = {}
        self.probes: dict[int, str] = {}
        self.targets_down: set[str] = set()
        self.watchdogs = True
        """Whether the machines have one; it may be absent, and then hides no other rule."""
        self.acquisitions = 0
        self.steps = 0
        self.recorded: list[tuple[str, str, tuple[Any, ...]]] = []
        self.replaying = False
        self.log: list[str] | None = None
        self.by_address = {host.address: host for host in hosts}

    # Time

    def at(self, true: float, function: Callable[..., None], *arguments: Any) -> None:
        """Call ``function`` at a true time."""
        self.number = number = self.number + 1
        heappush(self.heap, (true, number, function, arguments))

    def after(self, host: Host, raw_s: float, function: Callable[..., None], *rest: Any) -> None:
        """Call ``function(host, *rest)`` when the host's raw clock has advanced by ``raw_s``."""
        raw = host.raw(self.now) + raw_s
        self.at(self.now + raw_s / host.rate, self._local, host, host.boots, raw, function, rest)

    def _local(
        self, host: Host, boots: int, raw: float, function: Callable[..., None], rest: Any
    ) -> None:
        if host.boots != boots:
            return
        if host.frozen:
            host.guard_parked.append((self._local, (host, boots, raw, function, rest)))
        elif host.raw(self.now) < raw - 1e-9:
            self.at(host.true_at(raw, self.now), self._local, host, boots, raw, function, rest)
        else:
            function(host, *rest)

    def run(self, until: float) -> None:
        """Let time pass."""
        heap = self.heap
        while heap and heap[0][0] <= until:
            self.now, _, function, arguments = heappop(heap)
            function(*arguments)
        self.now = until

    def say(self, text: str) -> None:
        """Note a line for ``--show``."""
        if self.log is not None:
            self.log.append(f"{self.now:8.3f}  {text}")

    # Machines

    def boot(self, host: Host) -> None:
        """Power a machine on and start its agent."""
        if not host.alive:
            host.alive, host.frozen = True, False
            host.clock_true = self.now
            host.boots += 1
            host.clear()
            self.begin_agent(host)

    def begin_agent(self, host: Host) -> None:
        """Start a new agent run."""
        if not host.alive or host.agent is not None:
            return
        host.runs += 1
        host.stopped = False
        host.wake = -1.0
        saved = None if host.name in self.disk_broken else host.saved
        boot_id, run = f"{host.address}b{host.boots}", f"{host.address}r{host.runs}"
        host.agent = Machine(self.configs[host.address], boot_id, run, saved)
        self.say(f"{host.address}: agent run {run} begins")
        self.tell(host, events.Started)
        if self.published[host.address] is not self.configs[host.address]:
            self.tell(host, events.ConfigChanged, self.published[host.address])

    def _use(self, host: Host, effect: effects.UseConfig) -> None:
        self.configs[host.address] = effect.config

    def kill_agent(self, host: Host) -> None:
        """End the agent with -9; the guard and what is active stay."""
        if host.agent is not None:
            self.say(f"{host.address}: agent killed")
            host.agent = None
            host.parked.clear()
            host.heard.clear()

    def lose_power(self, host: Host) -> None:
        """End everything on a machine at once."""
        if host.alive:
            self.say(f"{host.address}: power lost")
            for group in list(host.serving):
                self._ends(host, group)
            host.alive = host.frozen = host.guard_stopped = False
            host.boots += 1
            host.agent = None
            host.clear()

    def freeze(self, host: Host) -> None:
        """Stop a machine together with its clocks."""
        if host.alive and not host.frozen:
            self.say(f"{host.address}: frozen")
            host.freeze(self.now)
            for group in list(host.serving):
                self._ends(host, group, checked=False)

    def thaw(self, host: Host, correct_after_s: float | None) -> None:
        """Let a frozen machine go on; its wall clock is corrected later, or never."""
        if not (host.alive and host.frozen):
            return
        stood = host.thaw(self.now)
        self.say(f"{host.address}: thawed after {stood:.3f} s")
        for group in list(host.on):
            self.refresh(host, group)
        parked, host.guard_parked = host.guard_parked, []
        if correct_after_s == 0:
            self.step_clock(host, stood)
        elif correct_after_s is not None:
            self.after(host, correct_after_s, self.step_clock, stood)
        for function, arguments in parked:
            self.at(self.now, function, *arguments)
        self._drain(host)

    def step_clock(self, host: Host, by_s: float) -> None:
        """Step the wall clock."""
        host.realtime += by_s
        self.say(f"{host.address}: wall clock stepped by {by_s:+.1f} s")
        for group in list(host.deadlines):
            self._guard(host, group)

    def stop_processes(self, host: Host, *, guard: bool) -> None:
        """SIGSTOP the agent, and perhaps the guard too."""
        if host.alive and host.agent is not None:
            self.say(f"{host.address}: agent{' and guard' if guard else ''} stopped")
            host.stopped = True
            host.guard_stopped = guard

    def continue_processes(self, host: Host) -> None:
        """SIGCONT."""
        if host.stopped:
            self.say(f"{host.address}: continued")
        host.stopped = host.guard_stopped = False
        parked, host.guard_parked = host.guard_parked, []
        for function, arguments in parked:
            self.at(self.now, function, *arguments)
        self._drain(host)

    def _drain(self, host: Host) -> None:
        while host.parked and not (host.frozen or host.stopped) and host.agent is not None:
            kind, arguments = host.parked.pop(0)
            self.tell(host, kind, *arguments)

    # The agent

    def tell(self, host: Host, kind: Any, *arguments: Any) -> None:
        """Give the agent an event, now or as soon as it runs again."""
        agent = host.agent
        if agent is None:
            return
        if host.frozen or host.stopped:
            host.parked.append((kind, arguments))
            return
        self.steps += 1
        if self.log is not None:
            self.say(f"{host.address} < {kind.__name__} {_short(arguments)}")
        for effect in agent.step(kind(host.clocks(self.now), *arguments)):
            what = type(effect)
            if self.log is not None and what is not effects.SaveState:
                self.say(f"{host.address} > {what.__name__} {_short(effect)}")
            DO[what](self, host, effect)
        wake = agent.wake_at
        if wake != host.wake and host.agent is agent:
            host.wake = wake
            true = host.true_at(wake, self.now)
            self.at(true if true > self.now else self.now, self._wake, host, agent, wake)

    def _wake(self, host: Host, agent: Machine, raw: float) -> None:
        if host.agent is not agent or host.wake != raw:
            return
        if host.frozen or host.stopped:
            host.parked.append((events.Woke, ()))
            host.wake = -1.0
        elif host.raw(self.now) < raw:
            true = host.true_at(raw, self.now)
            self.at(true + 1e-6, self._wake, host, agent, raw)
        else:
            host.wake = -1.0
            self.tell(host, events.Woke)

    # Messages

    def delay(self, origin: str, to: str) -> float | None:
        """Return how long a message takes, or None if it is lost."""
        rng = self.rng
        link = self.links.get((origin, to), GOOD) if self.links else GOOD
        if link is GOOD:
            return 0.001 + rng.random() * 0.004
        if not link.up or (link.loss and rng.random() < link.loss):
            return None
        if link.slow and rng.random() < link.slow:
            return rng.random() * link.slow_s
        return 0.001 + rng.random() * 0.02

    def _heartbeat(self, host: Host, effect: effects.SendHeartbeat) -> None:
        host.sequence += 1
        assert host.agent is not None
        node = host.agent.node
        # The transport drops what does not come from the configured address: a second machine with
        # the same name is not heard.
        message = (host.name, node.boot_id, node.incarnation, effect.body, host.sequence)
        if host.address != host.name:
            return
        if self.replaying:
            self.recorded.append((host.address, effect.to, message))
        seconds = self.delay(host.address, effect.to)
        if seconds is not None:
            self.at(self.now + seconds, self.hear, effect.to, message)
            link = self.links.get((host.address, effect.to), GOOD)
            if link.twice and self.rng.random() < link.twice:
                self.at(self.now + seconds + self.rng.random() * 3, self.hear, effect.to, message)

    def hear(self, to: str, message: tuple[Any, ...]) -> None:
        """Deliver a heartbeat, unless the transport has seen a later one of that run."""
        host = self.by_address[to]
        sender, boot_id, run, body, sequence = message
        if not host.alive or host.agent is None:
            return
        key = (sender, run)
        if sequence <= host.heard.get(key, 0):
            return
        host.heard[key] = sequence
        self.tell(host, events.HeartbeatReceived, sender, boot_id, run, body)

    def _read(self, host: Host, effect: effects.ReadWitness) -> None:
        seconds = self.delay(host.address, "witness")
        if seconds is not None:
            self.at(self.now + seconds, self._serve, host, host.agent, effect)

    def _write(self, host: Host, effect: effects.WriteWitness) -> None:
        self._read(host, effect)  # type: ignore[arg-type]  # both go the same way

    def _serve(self, host: Host, agent: Machine, effect: Any) -> None:
        """The witness handles one request, atomically."""
        outcome, record, version = WitnessOutcome.OK, None, ""
        if self.witness_errors and self.rng.random() < self.witness_errors:
            outcome = WitnessOutcome.UNKNOWN
        elif type(effect) is effects.ReadWitness:
            stored = self.witness.get(effect.group)
            if stored is None:
                outcome = WitnessOutcome.ABSENT
            else:
                record, version = stored
        else:
            stored = self.witness.get(effect.group)
            if (stored[1] if stored is not None else None) != effect.expect:
                outcome = WitnessOutcome.CONFLICT
            else:
                record, version = effect.record, self._store(effect)
        seconds = self.delay("witness", host.address)
        if seconds is not None:
            answer = (effect.request, outcome, record, version)
            self.at(self.now + seconds, self._reply, host, agent, answer)

    def _reply(self, host: Host, agent: Machine, answer: tuple[Any, ...]) -> None:
        if host.agent is agent:
            self.tell(host, events.WitnessAnswered, *answer)

    def _store(self, effect: effects.WriteWitness) -> str:
        """I3: the epoch never falls, and each has one holder."""
        self.versions += 1
        version, record = f"v{self.versions}", effect.record
        stored = self.witness.get(effect.group)
        key = (effect.group, record.epoch)
        if self.holders.setdefault(key, record.incarnation) != record.incarnation:
            raise BrokenError(f"I3: epoch {record.epoch} has two holders")
        if stored is not None:
            old = stored[0]
            if record.epoch < old.epoch:
                raise BrokenError(f"I3: epoch fell from {old.epoch} to {record.epoch}")
            if record.incarnation != old.incarnation:
                if record.epoch == old.epoch:
                    raise BrokenError(f"I3: epoch {record.epoch} passed to another holder")
                self.acquisitions += 1
        self.witness[effect.group] = (record, version)
        return version

    # What serves

    def refresh(self, host: Host, group: str) -> None:
        """See whether a host serves a group now; I1: never two at once."""
        serves = host.alive and not host.frozen and group in host.on and group in host.open
        if serves and group not in host.serving:
            host.serving[group] = host.on[group]
            self.say(f"{host.address}: SERVES {group} at epoch {host.on[group]}")
            for other in self.hosts:
                if other is not host and group in other.serving:
                    raise BrokenError(
                        f"I1: {host.address} (epoch {host.on[group]}) serves {group} beside "
                        f"{other.address} (epoch {other.serving[group]})"
                    )
            self._check_lease(host, group)
        elif not serves and group in host.serving:
            self._ends(host, group)

    def _ends(self, host: Host, group: str, *, checked: bool = True) -> None:
        del host.serving[group]
        self.say(f"{host.address}: serves {group} no more")
        if checked and not host.frozen:
            self._check_lease(host, group)

    def _check_lease(self, host: Host, group: str) -> None:
        """I5: whatever serves does so within t + V of the last right the guard was told of."""
        entry = host.lease_until.get(group)
        if entry is None:
            raise BrokenError(f"I5: {host.address} serves {group} without a deadline")
        stamp, valid_s = entry
        over = host.raw(self.now) - stamp.raw - valid_s
        if over > EPSILON_S:
            raise BrokenError(f"I5: {host.address} served {group} {over:.3f} s past its lease")

    def _start(self, host: Host, effect: effects.StartResource) -> None:
        """I4: nobody begins outside effects with an epoch older than one already active."""
        group = effect.group
        if effect.epoch < self.activated.get(group, 0):
            raise BrokenError(
                f"I4: {host.address} starts {group} at epoch {effect.epoch}, a newer ran"
            )
        self.activated[group] = effect.epoch
        host.on[group] = effect.epoch
        host.actions[group] = effect.action
        self.refresh(host, group)
        seconds = self.actions.get(host.address, Action()).start_s * self.rng.random()
        self.after(host, seconds, self._started, effect, host.agent)

    def _started(self, host: Host, effect: effects.StartResource, agent: Machine) -> None:
        if host.actions.get(effect.group) == effect.action and host.agent is agent:
            del host.actions[effect.group]
            self.tell(host, events.ResourceDone, effect.action, True)

    def _stop(self, host: Host, effect: effects.StopResource) -> None:
        host.actions[effect.group] = effect.action
        action = self.actions.get(host.address, Action())
        seconds = effect.timeout_s if action.hang else action.stop_s * self.rng.random()
        self.after(host, seconds, self._stopped, effect, not action.hang, host.agent)

    def _stopped(self, host: Host, effect: effects.StopResource, ok: bool, agent: Machine) -> None:
        if host.actions.get(effect.group) != effect.action or host.agent is not agent:
            return
        del host.actions[effect.group]
        if ok:
            host.on.pop(effect.group, None)
            self.refresh(host, effect.group)
        self.tell(host, events.ResourceDone, effect.action, ok)

    def _open(self, host: Host, effect: effects.OpenTraffic) -> None:
        host.open[effect.group] = effect.epoch
        self.refresh(host, effect.group)

    def _hold(self, host: Host, effect: effects.HoldTraffic) -> None:
        host.open.pop(effect.group, None)
        self.refresh(host, effect.group)

    # Fence, guard, watchdog

    def _fence(self, host: Host, effect: effects.Fence) -> None:
        self.fence(host, effect.group, effect.fence)

    def fence(self, host: Host, group: str, fence: int) -> None:
        """The guard fences; it takes up to S, on the host's own time. Number 0 is its own idea."""
        host.actions.pop(group, None)
        if group in host.fencing:
            host.fencing[group].append(fence)
            return
        host.fencing[group] = [fence]
        most_s = 0.99 * host.fence_s.get(group, 1.0)
        share = self.rng.choice((self.rng.random(), 1.0))
        self.after(host, most_s * share, self._fenced, group)

    def _fenced(self, host: Host, group: str) -> None:
        if host.guard_stopped:
            host.guard_parked.append((self._fenced, (host, group)))
            return
        host.on.pop(group, None)
        host.open.pop(group, None)
        self.refresh(host, group)
        host.deadlines.pop(group, None)
        for number in host.fencing.pop(group):
            if number:
                self.tell(host, events.FenceDone, group, number)
            else:
                self.tell(host, events.GuardFenced, group, "the deadline passed")

    def _deadline(self, host: Host, effect: effects.SetDeadline) -> None:
        """I5 holds what the guard is told against D, or P / M, from the configuration."""
        before = host.deadlines.get(effect.group)
        host.deadlines[effect.group] = (effect.stamp, effect.fence_after_s)
        timings = self.configs[host.address].partition.timings
        by_lease = timings.lease_s - timings.fence_s - timings.slack_s + EPSILON_S
        promised = effect.fence_after_s > by_lease
        valid_s = timings.promise_s / timings.ratio if promised else timings.lease_s
        host.fence_s[effect.group] = timings.fence_s
        stamp, stated_s = host.lease_until.get(effect.group, (None, 0.0))
        if stamp == effect.stamp:  # a shorter D configured since does not shorten what was stated
            valid_s = max(valid_s, stated_s)
        host.lease_until[effect.group] = (effect.stamp, valid_s)
        if (
            before is not None
            and before[0].raw + before[1] > effect.stamp.raw + effect.fence_after_s
        ):
            self._guard(host, effect.group)  # an earlier deadline needs a look of its own
        else:
            self._watch(host, effect.group)

    def _watch(self, host: Host, group: str) -> None:
        """Have the guard look when the deadline may come; renewals only move what it then sees."""
        if group not in host.watched:
            host.watched.add(group)
            self._guard(host, group)

    def _guard(self, host: Host, group: str) -> None:
        entry = host.deadlines.get(group)
        if entry is None or group in host.fencing:
            host.watched.discard(group)
        elif host.guard_stopped:
            host.guard_parked.append((self._guard, (host, group)))
        else:
            left = entry[1] - longest(entry[0], host.clocks(self.now))
            if left > 1e-6:
                self.after(host, left, self._guard, group)
                return
            host.watched.discard(group)
            self.say(f"{host.address}: guard fences {group}")
            self.fence(host, group, 0)

    def _clear(self, host: Host, effect: effects.ClearDeadline) -> None:
        host.deadlines.pop(effect.group, None)

    def _pet(self, host: Host, effect: effects.PetWatchdog) -> None:
        del effect
        if not self.watchdogs:
            return
        watchdog_s = self.configs[host.address].partition.timings.watchdog_s
        bites, known = host.raw(self.now) + watchdog_s, host.watchdog
        host.watchdog = bites
        if not 0 < known <= bites:  # else the look that is planned comes early enough
            self.after(host, watchdog_s, self._bite)

    def _bite(self, host: Host) -> None:
        left = host.watchdog - host.raw(self.now)
        if left > 1e-6:
            self.after(host, left, self._bite)
        else:
            self.say(f"{host.address}: the watchdog resets it")
            self.lose_power(host)
            self.at(self.now + 8, self.boot, host)

    # The rest

    def probe(self, every_s: float) -> None:
        """The balancer asks every node whose port is open."""
        for host in self.hosts:
            for group in host.on:
                if host.alive and group in host.serving:
                    self.number += 1
                    self.probes[self.number] = group
                    self.tell(host, events.ProbeAsked, self.number, group)
        self.at(self.now + every_s, self.probe, every_s)

    def _probed(self, host: Host, effect: effects.AnswerProbe) -> None:
        """I2: the 200s that a group gives are ordered by epoch."""
        group = self.probes.pop(effect.probe)
        if not effect.ok:
            return
        if effect.epoch < self.probed.get(group, 0):
            raise BrokenError(
                f"I2: {host.address} answers 200 at epoch {effect.epoch}, after a newer"
            )
        self.probed[group] = effect.epoch

    def _check(self, host: Host, effect: effects.RunCheck) -> None:
        targets = self.configs[host.address].partition.targets
        is_target = any(target.name == effect.monitor for target in targets)
        ok = not (is_target and host.address in self.targets_down)
        self.after(host, 0.05, self._checked, host.agent, effect.check, ok)

    def _checked(self, host: Host, agent: Machine, check: int, ok: bool) -> None:
        if host.agent is agent:
            self.tell(host, events.CheckDone, check, ok)

    def _save(self, host: Host, effect: effects.SaveState) -> None:
        if host.name not in self.disk_broken:
            host.saved = dict(effect.state)

    def _stop_node(self, host: Host, effect: effects.StopNode) -> None:
        if effect.how == "Service":
            host.agent = None
            return
        self.lose_power(host)
        if effect.how == "Reboot":
            self.at(self.now + 20, self.boot, host)

    def _nothing(self, host: Host, effect: Any) -> None:
        del host, effect


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 240 else text[:237] + "..."


DO: dict[type, Callable[[World, Host, Any], None]] = {
    effects.ReadWitness: World._read,
    effects.WriteWitness: World._write,
    effects.SendHeartbeat: World._heartbeat,
    effects.SetDeadline: World._deadline,
    effects.ClearDeadline: World._clear,
    effects.Fence: World._fence,
    effects.HoldTraffic: World._hold,
    effects.OpenTraffic: World._open,
    effects.PetWatchdog: World._pet,
    effects.StartResource: World._start,
    effects.StopResource: World._stop,
    effects.AnswerProbe: World._probed,
    effects.RunCheck: World._check,
    effects.RunScript: World._nothing,
    effects.StopNode: World._stop_node,
    effects.PowerOffPeer: World._nothing,
    effects.AcknowledgeMaintenance: World._nothing,
    effects.UseConfig: World._use,
    effects.SaveState: World._save,
    effects.Reply: World._nothing,
    effects.Decided: World._nothing,
}
