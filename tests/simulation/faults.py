"""The catalogue of faults, and the schedule that each seed stands for.

Seeds go round through every class alone and every pair, so any run of consecutive seeds covers
them evenly; everything else about a seed (nodes, profile, clock rates, moments) is drawn from it.
All faults end at ``Plan.heal``; the rest of the time is the fault-free tail of invariant I6.
"""

from __future__ import annotations

import functools
import itertools
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.simulation.host import Host
from tests.simulation.world import GOOD, Action, BrokenError, Link, World

from hacluster_node import timing
from hacluster_node.core import commands, config, events

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "g"
LENGTH_S = 240.0
FAILSAFE = 0.45
"""Share of schedules with failsafe: without it more leases run out while their holder lives."""
LONG_PROMISES, MOST_LEASE_S = 0.3, 15.0
"""Share of schedules with P = 2 D: then C does not cover what a restarted peer had promised."""
LAPSES = 0.5
"""Share of schedules in which whoever serves loses the witness again and again."""
WATCHDOGS = 0.35
"""Share of schedules whose machines have a watchdog (all, where guards are stopped too)."""
WEATHER = 0.6
"""Share of schedules whose network is bad throughout, beside the episodes."""
MOST_FROZEN_S = 29.5
"""All freezes of one machine together: within F, the assumption of rule 6."""


BRISK = timing.Timings(
    lease_s=10.0,
    renew_s=2.0,
    request_s=1.9,
    retries=3,
    backoff_s=0.1,
    fence_s=1.4,
    slack_s=0.2,
    wait_s=10.21,
    watchdog_s=7.9,
    poll_s=0.5,
    promise_s=10.0,
)
"""Explicit numbers as a user may write them: many failovers and few messages in 240 s."""

PROFILES = (BRISK, *(timing.PROFILES[n] for n in ("Balanced", "RideThrough", "Fast", "Fastest")))


@dataclass
class Plan:
    """What a seed stands for."""

    seed: int
    classes: tuple[str, ...]
    world: World
    heal: float
    """From here on no fault is active."""
    rng: random.Random


def profile(rng: random.Random, *, frozen: bool) -> timing.Timings:
    """Draw a set of numbers: the product's own, polled less often, now and then with 5 % drift.

    Where no machine freezes, most schedules do without the freeze guard: it would hide what
    the other rules are for.
    """
    base = rng.choices(PROFILES, (55, 18, 15, 7, 5))[0]
    numbers = replace(base, poll_s=max(base.poll_s, rng.choice((0.5, 1.0, 3.0))))
    if rng.random() < 0.2:
        m = 1.05 / 0.95
        wait_s = base.lease_s * m + 0.01
        numbers = replace(numbers, rate_error=0.05, wait_s=wait_s, guard_s=31.6)
    if numbers.lease_s <= MOST_LEASE_S and rng.random() < LONG_PROMISES:
        numbers = replace(numbers, promise_s=2 * numbers.lease_s)
    if not frozen and rng.random() < 0.7:
        numbers = replace(numbers, strict=False)
    return numbers


def make_config(
    names: tuple[str, ...], name: str, numbers: timing.Timings, *, targets: bool, failsafe: bool
) -> config.AgentConfig:
    """Return the configuration of one node: one group with one resource.

    Failsafe counts the members by name, so it is off where a machine is there twice: a second
    machine that nobody hears promises nothing, and no protocol could ask it.
    """
    resource = config.Resource(
        "r", stop_timeout_s=6.0, stop_retries=0, stop_final_action=config.FinalAction.NONE
    )
    target = config.Monitor("t", kind="Ping", interval_s=5.0, timeout_s=1.0, retries=1)
    interval_s = 5.0 if numbers.lease_s > 10 else 1.5
    return config.AgentConfig(
        cluster="c",
        node=name,
        nodes=tuple(config.Node(each) for each in names),
        groups=(config.Group(GROUP, (resource,), max_failovers=1000),),
        partition=config.Partition(
            timings=numbers,
            targets=(target,) if targets else (),
            failsafe=failsafe,
        ),
        heartbeat=config.HeartbeatTimes(interval_s, max(6.0, 4 * interval_s)),
    )


def schedule(seed: int) -> Plan:
    """Build the schedule of a seed."""
    rng = random.Random(seed)
    classes = COMBINATIONS[seed % len(COMBINATIONS)]
    names = ("n1", "n2") if rng.random() < 0.6 else ("n1", "n2", "n3")
    numbers = profile(rng, frozen="freeze" in classes)
    rho = numbers.rate_error
    hosts = [Host(name, name, _rate(rng, rho)) for name in names]
    if "duplicate" in classes:
        hosts.append(Host(names[0], f"{names[0]}x", _rate(rng, rho)))
    failsafe = "duplicate" not in classes and rng.random() < FAILSAFE
    make = functools.partial(make_config, targets="target" in classes, failsafe=failsafe)
    configs = {host.address: make(names, host.name, numbers) for host in hosts}
    world = World(rng, hosts, configs)
    tail_s = patience_s(numbers)
    world.watchdogs = "sigstop-guard" in classes or rng.random() < WATCHDOGS
    plan = Plan(seed, classes, world, max(20.0, LENGTH_S - tail_s), rng)
    for host in hosts:
        world.at(rng.random() * 2, world.boot, host)
    world.at(5.0, world.probe, 5.0)
    for name in classes:
        for _ in range(rng.randint(1, 4)):
            _episode(plan, name)
    if not set(classes) <= HARMLESS and rng.random() < WEATHER:
        slow, slow_s = rng.uniform(0.1, 0.7), rng.choice((1.0, 3.2))
        world.at(3.0, _lossy, plan, Link(loss=0.05, slow=slow, slow_s=slow_s), 3.0, plan.heal - 1)
        for _ in range(rng.randint(1, 3)):
            _episode(plan, "isolate")
    if not set(classes) <= HARMLESS and rng.random() < LAPSES:
        for _ in range(rng.randint(2, 5)):
            world.at(rng.uniform(3.0, plan.heal - 40.0), _lapse, plan)
    world.at(plan.heal, heal, plan)
    return plan


def _rate(rng: random.Random, rho: float) -> float:
    """Draw how fast a clock runs; half of all are at an edge of what is assumed."""
    return 1 + rng.choice((-rho, rho, rng.uniform(-rho, rho), rng.uniform(-rho, rho)))


def _episode(plan: Plan, name: str) -> None:
    rng, world = plan.rng, plan.world
    start = rng.uniform(3.0, plan.heal - 2.0)
    end = min(plan.heal - 0.5, start + rng.expovariate(1 / 25.0) + 0.3)
    CLASSES[name](plan, rng.choice(world.hosts), start, end)


def heal(plan: Plan) -> None:
    """End every fault that still runs."""
    world = plan.world
    world.say("healed")
    world.links.clear()
    world.actions.clear()
    world.witness_errors = 0.0
    world.disk_broken.clear()
    world.targets_down.clear()
    for host in world.hosts:
        world.thaw(host, 0)
        world.continue_processes(host)
        world.boot(host)
        world.begin_agent(host)


def patience_s(numbers: timing.Timings) -> float:
    """Return how long after the last fault the group may take to serve (I6)."""
    wait_s = max(numbers.wait_s, 1.1 * numbers.promise_s)
    return 35 + wait_s + numbers.wait_s + numbers.activation_delay_s + numbers.fence_s


def run(seed: int, *, log: list[str] | None = None) -> World:
    """Run one seed to its end; raises ``BrokenError`` with the seed in the text."""
    plan = schedule(seed)
    world = plan.world
    world.log = log
    try:
        world.run(LENGTH_S)
        now = (
            each.partition.timings for each in (*world.configs.values(), *world.published.values())
        )
        world.run(max(LENGTH_S, plan.heal + max(map(patience_s, now))))
        _finally(plan)
    except BrokenError as broken:
        raise BrokenError(f"seed {seed} ({'+'.join(plan.classes)}): {broken}") from None
    return world


def _finally(plan: Plan) -> None:
    """I5 for whoever still serves, I6, and I7 for schedules that only lose heartbeats."""
    world = plan.world
    serving = [host for host in world.hosts if GROUP in host.serving]
    for host in serving:
        world._check_lease(host, GROUP)
    if len(serving) != 1:
        raise BrokenError(
            f"I6: {len(serving)} nodes serve, {world.now - plan.heal:.0f} s after healing"
        )
    if set(plan.classes) <= HARMLESS and world.acquisitions > 0:
        raise BrokenError(f"I7: {world.acquisitions} failovers although only heartbeats were lost")


# The classes: each arranges one episode from ``start`` to ``end``.


def _crash(plan: Plan, host: Host, start: float, end: float) -> None:
    plan.world.at(start, plan.world.lose_power, host)
    plan.world.at(end, plan.world.boot, host)


def _kill(plan: Plan, host: Host, start: float, end: float) -> None:
    plan.world.at(start, plan.world.kill_agent, host)
    plan.world.at(min(end, start + 0.2 + 4 * plan.rng.random()), plan.world.begin_agent, host)


def _sigstop(plan: Plan, host: Host, start: float, end: float) -> None:
    world = plan.world
    world.at(start, _stop, world, host, False)
    world.at(end, world.continue_processes, host)


def _sigstop_guard(plan: Plan, host: Host, start: float, end: float) -> None:
    world = plan.world
    world.at(start, _stop, world, host, True)
    world.at(end, world.continue_processes, host)


def _stop(world: World, host: Host, guard: bool) -> None:
    world.stop_processes(host, guard=guard)


def _stall(plan: Plan, host: Host, start: float, end: float) -> None:
    _sigstop(plan, host, start, min(end, start + plan.rng.uniform(0.2, 5.0)))


def _freeze(plan: Plan, host: Host, start: float, end: float) -> None:
    world, rng = plan.world, plan.rng
    left = MOST_FROZEN_S - host.freezes
    seconds = min(end - start, left, rng.choice((2.0, 10.0, 29.5)) * rng.uniform(0.5, 1.0))
    if seconds <= 0.5:
        return
    host.freezes += seconds
    correct = rng.choice((0.0, rng.uniform(0.1, 10.0), None))
    world.at(start, world.freeze, host)
    world.at(start + seconds, world.thaw, host, correct)


def _cut(plan: Plan, pairs: list[tuple[str, str]], link: Link, start: float, end: float) -> None:
    world = plan.world
    world.at(start, _set_links, world, pairs, link)
    world.at(end, _set_links, world, pairs, GOOD)


def _set_links(world: World, pairs: list[tuple[str, str]], link: Link) -> None:
    world.say(f"links {pairs}: {link}")
    for pair in pairs:
        world.links[pair] = link


def _between(plan: Plan, host: Host) -> list[tuple[str, str]]:
    """Return a host's links to one other or all others: both directions, or one of them."""
    others = [each.address for each in plan.world.hosts if each is not host]
    if plan.rng.random() < 0.5:
        others = [plan.rng.choice(others)]
    return _directions(plan, host.address, others)


def _lapse(plan: Plan) -> None:
    """Let whoever serves get its replies late for a while, then lose the witness for a lease."""
    world, rng = plan.world, plan.rng
    host = next((h for h in world.hosts if h.serving), plan.world.hosts[0])
    numbers = world.configs[host.address].partition.timings
    begin, end = world.now, min(plan.heal - 0.5, world.now + 2 * numbers.lease_s + 10.0)
    there, back = (host.address, "witness"), ("witness", host.address)
    _set_links(world, [back], Link(slow=0.9, slow_s=numbers.request_s))
    _cut(plan, [there], Link(up=False), begin + rng.uniform(1.0, 2.0) * numbers.renew_s, end)
    world.at(end, _set_links, world, [back], GOOD)


def _directions(plan: Plan, name: str, others: list[str]) -> list[tuple[str, str]]:
    out = [(name, other) for other in others]
    back = [(other, name) for other in others]
    return plan.rng.choice((out, back, out + back))


def _cut_nodes(plan: Plan, host: Host, start: float, end: float) -> None:
    _cut(plan, _between(plan, host), Link(up=False), start, end)


def _cut_witness(plan: Plan, host: Host, start: float, end: float) -> None:
    _cut(plan, _directions(plan, host.address, ["witness"]), Link(up=False), start, end)


def _isolate(plan: Plan, host: Host, start: float, end: float) -> None:
    others = [each.address for each in plan.world.hosts if each is not host] + ["witness"]
    _cut(plan, _directions(plan, host.address, others), Link(up=False), start, end)


def _witness_outage(plan: Plan, host: Host, start: float, end: float) -> None:
    del host
    names = [each.address for each in plan.world.hosts]
    _cut(plan, _directions(plan, "witness", names), Link(up=False), start, end)


def _slow_witness(plan: Plan, host: Host, start: float, end: float) -> None:
    link = Link(slow=plan.rng.uniform(0.2, 1.0), slow_s=plan.rng.choice((1.0, 3.2, 12.0)))
    hosts = [host] if plan.rng.random() < 0.5 else plan.world.hosts
    pairs = [p for h in hosts for p in ((h.address, "witness"), ("witness", h.address))]
    _cut(plan, pairs, link, start, end)


def _lossy(plan: Plan, link: Link, start: float, end: float) -> None:
    names = [host.address for host in plan.world.hosts] + ["witness"]
    _cut(plan, list(itertools.permutations(names, 2)), link, start, end)


def _loss(plan: Plan, host: Host, start: float, end: float) -> None:
    del host
    _lossy(plan, Link(loss=plan.rng.choice((0.05, 0.3, 0.6))), start, end)


def _delays(plan: Plan, host: Host, start: float, end: float) -> None:
    del host
    slow, slow_s = plan.rng.uniform(0.1, 0.9), plan.rng.choice((0.5, 3.2, 8.0))
    _lossy(plan, Link(slow=slow, slow_s=slow_s, twice=0.2), start, end)


def _lost_replies(plan: Plan, host: Host, start: float, end: float) -> None:
    _cut(plan, [("witness", host.address)], Link(loss=plan.rng.uniform(0.4, 1.0)), start, end)


def _errors(plan: Plan, host: Host, start: float, end: float) -> None:
    del host
    world = plan.world
    world.at(start, _set_errors, world, plan.rng.uniform(0.2, 1.0))
    world.at(end, _set_errors, world, 0.0)


def _set_errors(world: World, share: float) -> None:
    world.say(f"the witness refuses {share:.0%} of requests")
    world.witness_errors = share


def _clock_step(plan: Plan, host: Host, start: float, end: float) -> None:
    del end
    by_s = plan.rng.choice((-3600.0, 3600.0, -30.0, 30.0, -2.0, 2.0, 0.7))
    plan.world.at(start, plan.world.step_clock, host, by_s)


def _disk(plan: Plan, host: Host, start: float, end: float) -> None:
    world = plan.world
    world.at(start, world.disk_broken.add, host.name)
    _kill(plan, host, start + 0.1, end)


def _stop_hangs(plan: Plan, host: Host, start: float, end: float) -> None:
    world = plan.world
    world.at(start, world.actions.__setitem__, host.address, Action(hang=True))
    world.at(end, _forget, world.actions, host.address)
    _move(plan, host, start + 0.1, end)


def _forget(entries: dict[str, Action], name: str) -> None:
    entries.pop(name, None)


def _start_slow(plan: Plan, host: Host, start: float, end: float) -> None:
    world = plan.world
    world.at(start, world.actions.__setitem__, host.address, Action(start_s=25.0))
    world.at(end, _forget, world.actions, host.address)
    _move(plan, host, start + 0.1, end)


def _move(plan: Plan, host: Host, start: float, end: float) -> None:
    del end
    plan.world.at(start, plan.world.tell, host, events.Commanded, "m", commands.MoveGroup(GROUP))


def _new_config(plan: Plan, host: Host, start: float, end: float) -> None:
    del end
    world = plan.world
    numbers = profile(plan.rng, frozen="freeze" in plan.classes)
    world.at(start, _reconfigure, world, host, numbers)


def _reconfigure(world: World, host: Host, numbers: timing.Timings) -> None:
    """Other numbers on one node only: the others keep theirs (a roll-out that hangs)."""
    old = world.published[host.address]
    new = replace(old, partition=replace(old.partition, timings=_same_drift(old, numbers)))
    world.published[host.address] = new
    world.tell(host, events.ConfigChanged, new)


def _same_drift(old: config.AgentConfig, numbers: timing.Timings) -> timing.Timings:
    rho = old.partition.timings.rate_error
    m = (1 + rho) / (1 - rho)
    wait_s, guard_s = numbers.lease_s * m + 0.02, 30 * (1 + rho) + 0.1
    strict = old.partition.timings.strict
    return replace(numbers, rate_error=rho, wait_s=wait_s, guard_s=guard_s, strict=strict)


def _replay(plan: Plan, host: Host, start: float, end: float) -> None:
    """Record heartbeats, restart the host, and play old ones to it."""
    world, rng = plan.world, plan.rng
    world.replaying = True
    _kill(plan, host, start, end)
    for _ in range(25):
        world.at(rng.uniform(start, end), _play, world, rng)


def _play(world: World, rng: random.Random) -> None:
    if world.recorded:
        _, to, message = rng.choice(world.recorded)
        world.hear(to, message)


def _target(plan: Plan, host: Host, start: float, end: float) -> None:
    world = plan.world
    names = {host.address} if plan.rng.random() < 0.5 else {h.address for h in world.hosts}
    world.at(start, world.targets_down.update, names)
    world.at(end, world.targets_down.difference_update, names)


def _duplicate(plan: Plan, host: Host, start: float, end: float) -> None:
    """The second machine with the same name is there from the start; crash one of them."""
    _crash(plan, host, start, end)


CLASSES: dict[str, Callable[[Plan, Host, float, float], None]] = {
    "crash": _crash,
    "kill": _kill,
    "sigstop": _sigstop,
    "sigstop-guard": _sigstop_guard,
    "stall": _stall,
    "freeze": _freeze,
    "cut-nodes": _cut_nodes,
    "cut-witness": _cut_witness,
    "isolate": _isolate,
    "witness-outage": _witness_outage,
    "slow-witness": _slow_witness,
    "loss": _loss,
    "delays": _delays,
    "lost-replies": _lost_replies,
    "errors": _errors,
    "clock-step": _clock_step,
    "disk": _disk,
    "stop-hangs": _stop_hangs,
    "start-slow": _start_slow,
    "move": _move,
    "new-config": _new_config,
    "replay": _replay,
    "target": _target,
    "duplicate": _duplicate,
}

HARMLESS = frozenset({"cut-nodes"})
"""Classes that take heartbeats away and nothing else (I7)."""

COMBINATIONS: tuple[tuple[str, ...], ...] = (
    *((name,) for name in CLASSES),
    *itertools.combinations(CLASSES, 2),
)
"""Every class alone and every pair: 300 in all."""
