"""What idle passes cost the operator's own code: CPU and reads, without network and API server.

    python -m tests.bench.operator_passes [--clusters 10 100 1000] [--periods 10] [--profile FILE]

The loop, the reader and the passes are the real ones; a subscription in memory answers their calls
in Azure's wire form, and the objects are held in memory. Time is virtual: an idle period takes as
long as its passes need CPU, so that CPU is all that is measured, also on a busy machine. What HTTP,
TLS and kopf cost besides, `operator_scale` measures. Prints a table and judges nothing.
"""

import argparse
import asyncio
import copy
import cProfile
import json
import pstats
import re
import selectors
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, cast

import yaml
from tests.bench.system import SAMPLES, say
from tests.bench.table import show
from tests.loop.world import NoCounters, merged
from tests.unit.plan.clusters import Operator
from tests.unit.plan.fake_azure import FakeAzure

from hacluster.arm.caller import Call, Caller, Reply
from hacluster.arm.door import EnteredSubscription, _Shared
from hacluster.arm.health import RuleHealth
from hacluster.arm.reader import Reader
from hacluster.arm.writer import Operations
from hacluster.model.observed import Present
from hacluster.model.parse import parse
from hacluster.plan import parts
from hacluster.plan.view import View
from hacluster.reconcile.keeper import Keeper, Wake
from hacluster.reconcile.one_pass import OnePass
from hacluster.reconcile.ports import Account, EventType, Raw, Secret
from hacluster.reconcile.store_port import Store

PERIOD_S = 60.0
REST_PERIODS = 6
"""Until all is told that had to be told."""
CALL_S = 0.05
"""What a call takes, in virtual seconds."""
PATTERN = "c0000"
MOST_ITEMS = 500
"""Items of one page of a list."""


def body_of(name: str) -> dict[str, Any]:
    """Return a minimal cluster, kept by something else than our agents."""
    raw: dict[str, Any] = yaml.safe_load(SAMPLES["minimal"].read_text())
    raw["metadata"] |= {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "generation": 1,
        "resourceVersion": "1",
    }
    raw["spec"]["azure"] |= {"resourceGroup": name}
    raw["spec"].setdefault("cluster", {})["nodeAgent"] = "External"
    return raw


def resources() -> str:
    """Return what the cluster of the pattern has in Azure, as JSON of bodies by key."""
    made = Operator(FakeAzure(), parse(body_of(PATTERN)))
    made.run()
    found = {}
    for k, seen in made.view().seen.resources.items():
        if isinstance(seen, Present):
            found[k] = copy.deepcopy(dict(seen.body)) | {"id": seen.body.get("id", k)}
            if "/virtualmachines/" in k:
                power = {"statuses": [{"code": "PowerState/running"}]}
                found[k]["properties"]["instanceView"] = power
    return json.dumps(found)


def renamed(pattern: str, name: str) -> str:
    """Return the bodies of the pattern as another cluster has them: names are hashes, too."""
    old, new = (re.split(r'[/"]', words_of(one)) for one in (PATTERN, name))
    instead = {a.casefold(): b for a, b in zip(old, new, strict=True) if a != b}
    if not instead:
        return pattern
    some = sorted(map(re.escape, instead), key=len, reverse=True)
    return re.sub(
        "|".join(some), lambda hit: instead[hit[0].casefold()], pattern, flags=re.IGNORECASE
    )


def words_of(name: str) -> str:
    """Return all that a cluster asks for, as text."""
    wanted = parts.wanted(View.of(parse(body_of(name))))
    return json.dumps([(one.id, one.body) for one in wanted], default=repr)


@dataclass
class Wire:
    """A subscription that answers in Azure's wire form; see `arm.caller.Caller`."""

    resources: dict[str, bytes] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    listed: dict[str, list[bytes]] = field(default_factory=dict)

    def fill(self, pattern: str, name: str) -> None:
        """Put one more cluster into the subscription."""
        for k, body in json.loads(renamed(pattern, name)).items():
            self.resources[k.casefold()] = json.dumps(body).encode()
        self.listed.clear()

    async def send(self, call: Call) -> Reply:
        path = call.path.partition("?")[0].casefold()
        self.calls[f"{call.method} {_kind(path)}"] += 1
        await asyncio.sleep(CALL_S)
        if path.startswith("/health-of"):
            up = {"ipAddress": "10.6.0.10", "state": "Up"}
            down = {"ipAddress": "10.6.0.11", "state": "Down"}
            return _ok({"loadBalancerBackendAddresses": [up, down]})
        if path.endswith("/health"):
            return Reply(status=202, headers={"location": f"/health-of{call.path}"}, content=b"")
        if (found := self.resources.get(path)) is not None:
            return Reply(status=200, headers={}, content=found)
        if _is_list(path):
            return Reply(status=200, headers={}, content=self._page(call))
        return Reply(status=404, headers={}, content=b"")

    def _page(self, call: Call) -> bytes:
        path, _, query = call.path.partition("?")
        key_ = path.casefold()
        if key_ not in self.listed:
            head, _, kind = (
                ("", "", "") if key_.endswith("/resourcegroups") else key_.rpartition("/providers/")
            )
            inside = re.compile(
                f"{re.escape(head)}/(.*/)?providers/{re.escape(kind)}/[^/]+"
                if kind
                else f"{key_}/[^/]+"
            )
            self.listed[key_] = [body for k, body in self.resources.items() if inside.fullmatch(k)]
        first = int(query.partition("=")[2] or 0)
        items = self.listed[key_]
        page = b'{"value": [' + b",".join(items[first : first + MOST_ITEMS]) + b"]"
        if first + MOST_ITEMS < len(items):
            page += f', "nextLink": "{path}?skip={first + MOST_ITEMS}"'.encode()
        return page + b"}"


@dataclass
class Door:
    """Enters the one subscription; see `ports.Azure`."""

    shared: _Shared

    async def enter(self, account: Account) -> EnteredSubscription:
        return EnteredSubscription(self.shared, NoSecrets(), account.namespace)

    async def store(self, account: Account, container: str) -> Store:
        raise AssertionError(f"{container} was asked for")


class NoSecrets:
    """Holds no Secrets."""

    async def read(self, namespace: str, name: str) -> Secret:
        raise AssertionError(f"{namespace}/{name} was asked for")


@dataclass
class Objects:
    """Objects in memory; see `ports.Kubernetes`."""

    raws: dict[str, Raw] = field(default_factory=dict)
    patches: int = 0

    async def get(self, namespace: str, name: str) -> Raw | None:
        return self.raws.get(name)

    async def patch_status(self, of: Raw, patch: Mapping[str, Any]) -> Raw | None:
        self.patches += 1
        body = copy.deepcopy(dict(self.raws[of.name].body))
        body["status"] = merged(body.get("status") or {}, patch)
        body["metadata"]["resourceVersion"] = str(of.version + 1)
        self.raws[of.name] = Raw(body=body)
        return self.raws[of.name]

    async def event(self, of: Raw, kind: EventType, reason: str, message: str) -> None:
        pass


class Counted(NoCounters):
    """Counts passes."""

    passes = 0

    def passed(self, result: str, seconds: float) -> None:
        self.passes += 1


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next thing that is due."""

    def __init__(self) -> None:
        self._ahead = 0.0
        selector = selectors.DefaultSelector()
        self._look = selector.select
        selector.select = self._jump  # type: ignore[method-assign] # the loop's only wait
        super().__init__(selector)

    def time(self) -> float:
        return self._ahead

    def _jump(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._ahead += max(timeout or 0.0, 0.0)
        return self._look(0)


class Idle(NamedTuple):
    """What idle periods have cost."""

    clusters: int
    passes: int
    calls: Counter[str]
    cpu_s: float

    def row(self) -> list[str]:
        """Return the table's row."""
        return [
            f"{self.clusters:,}",
            f"{self.passes:,}",
            f"{self.calls.total() / self.passes:.3f}",
            f"{1000 * self.cpu_s / self.passes:.2f} ms",
        ]


GOAL = ["goal at 1,000", "", "0.2", "5 ms"]
HEAD = ["clusters", "passes", "reads per pass", "CPU per pass"]


async def measured(clusters: int, periods: int, profile: str) -> Idle:
    """Bring clusters to rest, then let periods pass."""
    pattern, wire, objects, counted = resources(), Wire(), Objects(), Counted()
    caller = cast("Caller", wire)
    names = [f"c{number:04}" for number in range(clusters)]
    for name in names:
        wire.fill(pattern, name)
        objects.raws[name] = Raw(body=body_of(name))
    subscription = next(iter(objects.raws.values())).body["spec"]["azure"]["subscriptionId"]
    shared = _Shared(caller, Reader(caller, subscription), Operations(), RuleHealth(caller))
    keeper = Keeper(OnePass(Door(shared), objects, counted), objects)
    tasks = []
    for name in names:
        tasks.append(
            asyncio.create_task(keeper.keep(partial(objects.raws.__getitem__, name), Wake()))
        )
        await asyncio.sleep(PERIOD_S / clusters)
    await asyncio.sleep(REST_PERIODS * PERIOD_S)
    passes, cpu, calls = counted.passes, time.process_time(), wire.calls.copy()
    patched = objects.patches
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    await asyncio.sleep(periods * PERIOD_S)
    if profiler:
        profiler.disable()
        profiler.dump_stats(profile)
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    used = time.process_time() - cpu
    assert objects.patches == patched, objects.patches - patched
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Idle(clusters, counted.passes - passes, wire.calls - calls, used)


def _ok(body: Any) -> Reply:
    return Reply(status=200, headers={}, content=json.dumps(body).encode())


def _is_list(path: str) -> bool:
    return path.endswith("/resourcegroups") or path.rpartition("/providers/")[2].count("/") % 2 == 1


def _kind(path: str) -> str:
    words = path.rpartition("/providers/")[2].split("/")
    return "/".join([words[0], *words[1::2]]) if len(words) > 1 else "resourceGroups"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--periods", type=int, default=10)
    parser.add_argument("--profile", default="", help="write a profile here, and print it")
    options = parser.parse_args()
    found = []
    for count in options.clusters:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            found.append(runner.run(measured(count, options.periods, options.profile)))
        for what, times in found[-1].calls.most_common():
            say(f"    {times / found[-1].passes:8.4f} {what}")
    title = f"Operator: idle passes in virtual time, {options.periods} periods of {PERIOD_S:.0f} s"
    show(title, HEAD, [*(one.row() for one in found), GOAL])


if __name__ == "__main__":
    main()
