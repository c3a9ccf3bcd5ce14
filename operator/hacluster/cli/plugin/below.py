"""What stands below the picture of the nodes: a line for each thing that runs, guards or moves."""

from collections.abc import Iterator

from hacluster.cli.plugin.lines import (
    BAD,
    DIM,
    GOOD,
    ODD,
    Line,
    ago,
    counted,
    duration,
    labelled,
    span,
)
from hacluster.cli.plugin.scene import Scene, is_witnessed, mirror_names, mirror_state
from hacluster.model.status import ConditionType, GroupState, Truth


def below(scene: Scene) -> Iterator[Line]:
    """Yield groups, mirrors, the witness, the last failover, what is under way or wrong."""
    yield from _groups(scene)
    yield from _mirrors(scene)
    yield from _guard(scene)
    yield from _last_failover(scene)
    yield from _under_way(scene)
    yield from _troubles(scene)


def _groups(scene: Scene) -> Iterator[Line]:
    known = {group.name: group for group in scene.status.groups}
    for declared in scene.service.get("failoverGroups") or ():
        name = str(declared.get("name"))
        group = known.get(name)
        if group is None:
            yield from labelled("group", f"{name}: not known", ODD)
            continue
        where = f" on {group.node}" if group.node else ""
        since = f" for {duration(scene.now - group.since)}" if group.since else ""
        epoch = f", epoch {group.epoch}" if group.epoch is not None else ""
        style = GOOD if group.state is GroupState.ONLINE else ODD
        yield from labelled("group", f"{name}: {group.state}{where}{since}{epoch}", style)


def _mirrors(scene: Scene) -> Iterator[Line]:
    if names := mirror_names(scene):
        state, style = mirror_state(scene)
        yield from labelled("mirror", f"{', '.join(names)}: {state}", style)


def _guard(scene: Scene) -> Iterator[Line]:
    safe = scene.status.condition(ConditionType.SPLIT_BRAIN_SAFE)
    label = "witness" if is_witnessed(scene) else "targets"
    if safe is None:
        yield from labelled(label, "not known", ODD)
        return
    style = {Truth.TRUE: GOOD, Truth.FALSE: BAD, Truth.UNKNOWN: ODD}[safe.status]
    yield from labelled(label, f"{safe.reason}: {safe.message}", style)


def _last_failover(scene: Scene) -> Iterator[Line]:
    if not scene.status.failovers:
        return
    last = scene.status.failovers[0]
    way = f"{last.origin or '?'} → {last.to}"
    took = f" in {last.seconds:.0f} s" if last.seconds is not None else ""
    what = f"{last.group or 'service'} {way}{took}, {ago(last.at, scene.now)}: {last.why}"
    yield from labelled("last failover", what)


def _under_way(scene: Scene) -> Iterator[Line]:
    for raw in scene.operations:
        status, spec = raw.get("status") or {}, raw.get("spec") or {}
        aim = spec.get("monitor") or spec.get("group") or "service"
        node = f" {spec['node']}" if spec.get("node") else ""
        text = f"{spec.get('type')} {aim}{node}: {status.get('phase', 'Pending')}"
        message = f", {status['message']}" if status.get("message") else ""
        yield from labelled("operation", text + message)
    if scene.status.plan:
        held = sum(1 for step in scene.status.plan if step.held)
        count = scene.status.summary.plan if scene.status.summary else len(scene.status.plan)
        waiting = f", {held} held" if held else ""
        yield from labelled("Azure", f"{counted(count, 'step')} to do{waiting}: see plan", ODD)


def _troubles(scene: Scene) -> Iterator[Line]:
    if scene.is_true(ConditionType.DEGRADED):
        found = scene.status.condition(ConditionType.DEGRADED)
        assert found is not None  # noqa: S101 - it is true
        yield from labelled("DEGRADED", f"{found.reason}: {found.message}", BAD)
    wrong = not scene.is_true(ConditionType.READY) or scene.is_true(ConditionType.DEGRADED)
    if wrong and scene.status.conditions:
        yield span("")
        yield span(f"  What to do:  kubectl hacluster why {scene.name}", DIM)
