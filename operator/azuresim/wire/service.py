"""What every verb works with, and how a request becomes a `Call`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from azuresim.clock import Clock
from azuresim.fabric.health import Prober, everything_up
from azuresim.machines.door import Machines
from azuresim.machines.model import Model
from azuresim.resources.call import Call
from azuresim.resources.catalog import Catalog
from azuresim.resources.clouds import PUBLIC, Cloud
from azuresim.resources.durations import duration
from azuresim.state.records import FAILED, SUCCEEDED, Operation, Record
from azuresim.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the simulator was asked to behave.

    Attributes:
        strict: Unknown fields of a body are refused.
        durations: `instant` or `typical`.
        speed: Simulated seconds per second.
        page_size: Items in one page of a list, at most.
        throttled: Callers have the published quotas.
        cloud: The cloud whose regions and names there are.
    """

    strict: bool = False
    durations: str = "instant"
    speed: float = 1.0
    page_size: int = 1000
    throttled: bool = True
    cloud: Cloud = PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The simulator behind the wire.

    Attributes:
        store: What exists.
        catalog: What can exist.
        clock: What time it is.
        settings: How to behave.
        subscription: Id of the subscription.
        tenant: Id of the tenant.
        on_start: Sees every operation before it is kept, and may change its end.
        knows: Tells whether the directory has a principal with an object id.
        prober: Tells whether a balancer's probes reach a backend.
        machines: Has the virtual machines.
    """

    store: Store
    catalog: Catalog
    clock: Clock
    settings: Settings
    subscription: str
    tenant: str
    on_start: Callable[[Operation], Operation] = lambda operation: operation
    knows: Callable[[str], bool] = lambda _object_id: False
    prober: Prober = everything_up
    machines: Machines = field(default_factory=lambda: Model(None, lambda _: None))

    def call(
        self,
        *,
        version: str = "",
        principal: str = "",
        client: str = "",
        verb: str = "",
        base: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Call:
        """Return a call on the state as it is now."""
        return Call(
            tx=self.store.transaction(),
            now=self.clock.now(),
            version=version,
            subscription=self.subscription,
            tenant=self.tenant,
            principal=principal,
            client=client,
            verb=verb,
            strict=self.settings.strict,
            locate=self.catalog.locate,
            draw=self.store.draw,
            knows=self.knows,
            prober=self.prober,
            machines=self.machines,
            base=base,
            query=dict(query or {}),
        )

    def seconds(self, row: str) -> float:
        """Return how long an operation takes, in simulated seconds."""
        return duration(row, self.settings.durations)

    def settle(self) -> None:
        """Let everything that is due by now have happened."""
        now = self.clock.now()
        while operation := self.store.next_due(now):
            call = self.call()
            self._finish(call, operation)
            call.tx.commit()

    def release(self) -> int:
        """Let every operation that was never to end end now; return how many there were."""
        stuck = self.store.stuck()
        call = self.call()
        for operation in stuck:
            call.tx.start(replace(operation, due=call.now))
        call.tx.commit()
        return len(stuck)

    def _finish(self, call: Call, operation: Operation) -> None:
        record = call.get(operation.target)
        if record is None or record.operation != operation.id:
            return
        kind = self.catalog.type_of(record)
        if operation.verb == "DELETE" and not operation.error:
            for inner in (*self.store.within(record.key), record):
                self.catalog.type_of(inner).gone(call, inner)
            call.tx.remove(record.key)
            return
        action = kind.actions.get(operation.action)
        settle = action.settle if action and action.settle else kind.settle
        call.tx.save(settle(call, settled(record, operation), operation))


def settled(record: Record, operation: Operation) -> Record:
    """Return a record with its operation over."""
    return replace(record, operation=None, settled=FAILED if operation.error else SUCCEEDED)
