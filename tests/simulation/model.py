"""The protocol in miniature, exhaustively: three nodes, whole ticks, every interleaving.

This shares nothing with the product: it is the protocol as ``docs/protocol.md`` states it, with D =
2 ticks and all other numbers as tight as the inequalities allow. A slow clock misses every third
tick, so M = 3/2. Requests are applied at any time after they were sent, or never; replies arrive
at any time, or never; a machine may stand still for F ticks within one lease, clock included. The
first holder may hang, with what it serves, until its watchdog resets it.
``explore`` visits every reachable state; a state in which two nodes serve is a counterexample.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

NODES = 3
SLOW_MISSES = 3
"""A slow clock misses every third tick."""
IDLE, CONTENDING, WAITING, SERVING = "idle", "contending", "waiting", "serving"


@dataclass(frozen=True)
class Numbers:
    """One set of numbers; the defaults fulfil every inequality with nothing to spare."""

    lease: int = 2
    """D: a holder that follows the rules serves no longer than this on its own clock."""
    overrun: int = 0
    """How long it serves beyond D: S, if the fence began only at D (rule 3 dropped)."""
    wait: int = 3
    """C >= D * M (rule 5)."""
    guard: int = 1
    """G >= F (rule 6)."""
    freeze: int = 1
    """F."""
    in_time: int = 1
    """T."""
    watchdog: int = 1
    """W <= D - T (rule 4): the watchdog is petted when a renewal is confirmed, up to T late."""
    from_reply: bool = False
    """Rule 1 dropped: the lease counts from the reply."""
    promise: int = 5
    """P, on a peer's clock."""
    promise_valid: int = 3
    """P / M, on the holder's clock."""
    hold_off: int = 5
    """A new run may have promised: how long it waits (P, as fast clocks are the true ones here)."""
    quorum: int = 2
    """Promises needed: all others."""


class Request(NamedTuple):
    """A conditional write on its way. ``age`` counts on the sender's clock, from its stamp."""

    age: int
    applied: bool
    renews: bool
    stood: int = 0
    """For how long its sender stood still since the stamp: F counts within one lease."""


class Node(NamedTuple):
    """One node; counters stop at the largest value that matters."""

    phase: str = IDLE
    age: int = 0
    """Holder: since the stamp of the last confirmed write."""
    seen: int = -1
    """Contender: since it received the present version; -1 if it has not."""
    waited: int = 0
    """Since its acquisition was confirmed."""
    request: Request | None = None
    frozen: bool = False
    hung: bool = False
    """Agent and guard do nothing any more; what serves goes on, and so does the clock."""
    pet: int = -1
    """Since the watchdog was petted; -1 if the machine has none."""
    freeze_left: int = 0
    promised: int = 99
    """Peer: since it promised."""
    by_promise: int = 99
    """Holder: since the stamp of the last complete round of promises."""
    asked: int = 99
    """Holder: since the stamp of the round under way."""
    answers: frozenset[int] = frozenset()
    beat: int = 0
    """Ticks of a slow clock, modulo its period."""
    started: int = 99
    """Since this run began."""
    restarts: int = 0
    """Peer: restarts it may still make. Holder: rounds of promises it may still begin."""


class State(NamedTuple):
    """Everything."""

    nodes: tuple[Node, ...]
    holder: int
    """Whom the witness names."""


class World(NamedTuple):
    """What does not change during one exploration."""

    numbers: Numbers
    slow: frozenset[int]
    renewals: bool
    """Whether the first holder reaches the witness."""
    failsafe: bool
    freezes: bool
    hangs: bool = False
    """Whether agent and guard of the first holder may both hang; then it has a watchdog."""


def start(world: World, restarts: int) -> State:
    """Return a state of service: just confirmed, or, with failsafe, the lease already over.

    In the latter the holder lives on a round of promises that was begun this very moment, and the
    others would be entitled to contend, had they not promised.
    """
    left = world.numbers.freeze if world.freezes else 0
    first = Node(SERVING, seen=0, freeze_left=left, pet=0 if world.hangs else -1)
    others = [Node(restarts=restarts), *(Node() for _ in range(NODES - 2))]
    if world.failsafe:
        first = first._replace(age=world.numbers.lease, by_promise=0, restarts=1)
        others = [other._replace(seen=world.numbers.wait, promised=0) for other in others]
    return State((first, *others), 0)


def explore(world: World, *, restarts: int = 0, limit: int = 2_000_000) -> tuple[int, list[State]]:
    """Visit every reachable state; return their number and the way to a violation, if any.

    Raises:
        RuntimeError: There are more than ``limit`` states.
    """
    first = start(world, restarts)
    parents: dict[State, State | None] = {first: None}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        if sum(serves(node) for node in state.nodes) > 1:
            return len(parents), _path(parents, state)
        for after in successors(world, state):
            if after not in parents:
                parents[after] = state
                queue.append(after)
        if len(parents) > limit:
            raise RuntimeError(f"more than {limit} states")
    return len(parents), []


def _path(parents: dict[State, State | None], state: State) -> list[State]:
    path: list[State] = []
    step: State | None = state
    while step is not None:
        path.append(step)
        step = parents[step]
    return path[::-1]


def serves(node: Node) -> bool:
    """A frozen machine serves nobody."""
    return node.phase == SERVING and not node.frozen


def successors(world: World, state: State) -> Iterator[State]:
    """Every state that one action, or one tick, leads to.

    With failsafe the question is whether anyone serves beside node 0, so it ends when that stops.
    """
    if world.failsafe and state.nodes[0].phase != SERVING:
        return
    yield _tick(world, state)
    for index, node in enumerate(state.nodes):
        yield from _freezing(state, index, node)
        if node.request is not None:
            yield from _request(world, state, index, node, node.request)
        if node.phase == SERVING and node.pet >= 0 and not node.hung:
            yield _put(state, index, node._replace(hung=True))
        if not node.frozen and not node.hung:
            yield from _acts(world, state, index, node)


def _put(state: State, index: int, node: Node) -> State:
    nodes = (*state.nodes[:index], node, *state.nodes[index + 1 :])
    return State(nodes, state.holder)


def _freezing(state: State, index: int, node: Node) -> Iterator[State]:
    if node.frozen:
        yield _put(state, index, node._replace(frozen=False))
    elif node.freeze_left and node.phase == SERVING:
        yield _put(state, index, node._replace(frozen=True))


def _tick(world: World, state: State) -> State:
    nodes = tuple(
        _stood(world.numbers, node) if node.frozen else _ran(world, index, node)
        for index, node in enumerate(state.nodes)
    )
    return State(nodes, state.holder)


def _ran(world: World, index: int, node: Node) -> Node:
    """Let one tick pass for a running node; a slow clock misses every third of *its* ticks."""
    if index not in world.slow:
        return _older(world.numbers, node)
    beat = (node.beat + 1) % SLOW_MISSES
    return (node if beat == 0 else _older(world.numbers, node))._replace(beat=beat)


def _stood(numbers: Numbers, node: Node) -> Node:
    """Let one tick pass for a frozen node; its clock does not notice."""
    request, left = node.request, node.freeze_left - 1
    if request is not None:
        request = request._replace(stood=request.stood + 1)
        left = min(left, numbers.freeze - request.stood)
    return node._replace(freeze_left=max(0, left), frozen=left > 0, request=request)


def _older(numbers: Numbers, node: Node) -> Node:
    """Let one tick pass on a node's clock; what is over ends at once (rules 1 and 3)."""
    request = node.request
    if request is not None:
        request = request._replace(age=min(request.age + 1, numbers.in_time + 1))
    older = node._replace(
        age=min(node.age + 1, numbers.lease + numbers.overrun),
        seen=min(node.seen + 1, numbers.wait) if node.seen >= 0 else -1,
        waited=min(node.waited + 1, numbers.guard),
        request=request,
        promised=_capped(node.promised, numbers.promise),
        by_promise=_capped(node.by_promise, numbers.promise_valid),
        asked=_capped(node.asked, numbers.in_time + 1),
        started=_capped(node.started, numbers.hold_off),
        pet=min(node.pet + 1, numbers.watchdog) if node.pet >= 0 else -1,
    )
    if older.phase == SERVING and older.pet == numbers.watchdog:
        return older._replace(phase=IDLE, age=0)
    if older.hung:
        return older
    over = older.age >= numbers.lease + numbers.overrun and older.by_promise == NEVER
    if older.phase in (SERVING, WAITING) and over:
        return older._replace(phase=IDLE, age=0, waited=0, asked=NEVER, answers=frozenset())
    if older.phase == CONTENDING and request is not None and request.age > numbers.in_time:
        return older._replace(phase=IDLE)
    return older


NEVER = 99


def _capped(value: int, limit: int) -> int:
    return value + 1 if value + 1 < limit else NEVER


def _request(
    world: World, state: State, index: int, node: Node, request: Request
) -> Iterator[State]:
    if not request.applied:
        yield _applied(state, index, request)
        yield _put(state, index, node._replace(request=None, phase=_given_up(node)))
    elif not node.frozen and not node.hung:
        yield _put(state, index, node._replace(request=None, phase=_given_up(node)))
        if request.age <= world.numbers.in_time:
            yield _put(state, index, _confirmed(world, node, request))


def _given_up(node: Node) -> str:
    return IDLE if node.phase == CONTENDING else node.phase


def _applied(state: State, index: int, request: Request) -> State:
    """The witness applies a write; every other write on its way fails, every reading is old."""
    nodes = []
    for other, node in enumerate(state.nodes):
        pending = node.request
        if other == index:
            pending = request._replace(applied=True)
        elif pending is not None and not pending.applied:
            pending = None
        doomed = node.phase == CONTENDING and pending is None
        nodes.append(node._replace(seen=-1, request=pending, phase=IDLE if doomed else node.phase))
    return State(tuple(nodes), index)


def _confirmed(world: World, node: Node, request: Request) -> Node:
    numbers = world.numbers
    age = 0 if numbers.from_reply else request.age
    left = numbers.freeze - request.stood if world.freezes else 0
    pet = 0 if node.pet >= 0 else -1
    fresh = node._replace(request=None, age=age, freeze_left=left, pet=pet)
    if request.renews:
        return fresh
    phase = WAITING if numbers.guard else SERVING
    return fresh._replace(phase=phase, waited=0) if node.phase == CONTENDING else node


def _acts(world: World, state: State, index: int, node: Node) -> Iterator[State]:
    numbers = world.numbers
    if node.seen < 0 and node.phase == IDLE:
        yield _put(state, index, node._replace(seen=0))
    if node.phase == WAITING and node.waited >= numbers.guard:
        yield _put(state, index, node._replace(phase=SERVING))
    holds = node.phase in (SERVING, WAITING) and state.holder == index
    if node.phase in (SERVING, WAITING) and state.holder != index and world.renewals:
        yield _put(state, index, node._replace(phase=IDLE, by_promise=NEVER))
    if node.request is None:
        reaches = world.renewals or index != 0
        if holds and reaches:
            yield _put(state, index, node._replace(request=Request(0, False, True)))
        if node.phase == IDLE and reaches and _may_contend(numbers, state, index, node):
            sent = node._replace(phase=CONTENDING, request=Request(0, False, False))
            yield _put(state, index, sent)
    if world.failsafe:
        yield from _promises(numbers, state, index, node)


def _may_contend(numbers: Numbers, state: State, index: int, node: Node) -> bool:
    if node.promised != NEVER or node.started != NEVER:
        return False
    return node.seen >= numbers.wait or (state.holder == index and node.seen >= 0)


def _promises(numbers: Numbers, state: State, index: int, node: Node) -> Iterator[State]:
    """Node 0 asks; the others promise or not; they may restart and forget."""
    if index == 0 and node.phase == SERVING:
        if node.asked == NEVER and node.restarts:
            again = node._replace(asked=0, answers=frozenset(), restarts=node.restarts - 1)
            yield _put(state, 0, again)
        return
    asker = state.nodes[0]
    if node.restarts and node.phase == IDLE:
        again = Node(restarts=node.restarts - 1, started=0, request=node.request)
        yield _put(state, index, again)
    if asker.phase != SERVING or asker.frozen or asker.asked == NEVER or index in asker.answers:
        return
    out = node.request is not None and not node.request.applied
    if node.phase != IDLE or state.holder == index or out:
        return
    promised = _put(state, index, node._replace(promised=0))
    yield promised
    answers = asker.answers | {index}
    if len(answers) < numbers.quorum:
        yield _put(promised, 0, asker._replace(answers=answers))
    else:
        whole = asker._replace(by_promise=asker.asked, asked=NEVER, answers=frozenset())
        yield _put(promised, 0, whole)
