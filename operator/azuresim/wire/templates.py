"""A template's resources, written in order, as if a client had sent each of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final
from urllib.parse import quote

from azuresim import ids
from azuresim.errors import ArmError
from azuresim.resources import expressions
from azuresim.resources.call import Call
from azuresim.resources.catalog import Target
from azuresim.resources.expressions import invalid
from azuresim.resources.present import present
from azuresim.resources.regions import REGIONS
from azuresim.wire import versions, writes
from azuresim.wire.service import Service

ENVELOPE: Final = frozenset(
    {"type", "name", "apiversion", "dependson", "condition", "comments", "metadata"}
)
NOT_THERE: Final = frozenset({"copy", "scope", "resourcegroup", "subscriptionid", "resources"})
PROVIDERS: Final = "/providers/"
MOST: Final = 800
"""Resources in one template (source: document)."""

Allow = Callable[[Target], None]


@dataclass(kw_only=True)
class Deployment:
    """One template on its way.

    Attributes:
        service: The simulator, with operations that take no time.
        call: The request.
        group: Id of the resource group.
        allow: Raises if the caller may not write a target.
        template: The template.
        given: Parameters sent, as `{"name": {"value": ...}}`.
        seconds: Tells how long an operation takes.
        written: Ids of what was written so far.
        lasts: Seconds that these writes would take, one after the other.
    """

    service: Service
    call: Call
    group: str
    allow: Allow
    template: Mapping[str, Any]
    given: Mapping[str, Any]
    seconds: Callable[[str], float]
    written: list[str] = field(default_factory=list)
    lasts: float = 0.0

    def parameters(self) -> dict[str, Any]:
        """Return every parameter's value.

        Raises:
            ArmError: 400 for one that is unknown or has no value.
        """
        known = mapping(self.template, "parameters")
        values: dict[str, Any] = {}
        unknown = sorted(set(self.given) - set(known))
        if unknown:
            raise invalid(f"the template has no parameter {unknown[0][:80]}")
        for name, told in known.items():
            sent = self.given.get(name)
            if isinstance(sent, dict) and "value" in sent:
                values[name] = sent["value"]
            elif isinstance(told, dict) and "defaultValue" in told:
                values[name] = expressions.evaluate(told["defaultValue"], self._plain())
            else:
                raise invalid(f"the value for the template parameter {name[:80]} is missing")
        return values

    def functions(self) -> Mapping[str, expressions.Function]:
        """Return what the template's expressions can call."""
        values = self.parameters()
        known = {**self._plain(), "parameters": lambda name: values[name]}
        variables = expressions.require_light(
            expressions.evaluate(mapping(self.template, "variables"), known)
        )
        return {**known, "variables": lambda name: variables[name]}

    def _plain(self) -> dict[str, expressions.Function]:
        group = ids.name_of(self.group)
        subscription = f"/subscriptions/{self.call.subscription}"
        record = self.call.get(self.group)
        place = record.body().get("location", "") if record else ""
        return {
            "concat": expressions.concat,
            "format": expressions.substitute,
            "tolower": lambda text: str(text).lower(),
            "toupper": lambda text: str(text).upper(),
            "resourceid": lambda *words: expressions.resource_id(self.group, *words),
            "resourcegroup": lambda: {"id": self.group, "name": group, "location": place},
            "subscription": lambda: {
                "id": subscription,
                "subscriptionId": self.call.subscription,
                "tenantId": self.call.tenant,
            },
            "providers": self._provider,
            "reference": self._reference,
        }

    def _provider(self, namespace: str, kind: str) -> dict[str, Any]:
        entry = self.service.catalog.entry(f"{namespace}/{kind}")
        if entry is None:
            raise invalid(f"the simulator has no resource type {namespace}/{kind}"[:200])
        newest = list(reversed(entry.type.versions))
        return {"resourceType": kind, "locations": list(REGIONS), "apiVersions": newest}

    def _reference(self, name: str, version: str = "", full: str = "") -> Any:
        wanted = ids.key(name) if name.startswith("/") else f"/{name}".casefold()
        for each in self.written if not name.startswith("/") else (name,):
            record = self.call.get(each)
            if record is not None and ids.key(record.id).endswith(wanted):
                call = replace(self.call, version=version or self.call.version)
                shown = present(call, self.service.catalog, record)
                return shown if full.casefold() == "full" else shown["properties"]
        raise invalid(f"reference finds no resource {name[:200]}")

    def steps(self) -> Iterator[tuple[Target, str, dict[str, Any]]]:
        """Yield target, api-version and body of each resource, in order.

        Raises:
            ArmError: 400 for what is not understood, refers in a circle, or is not served.
        """
        functions = self.functions()
        for resource in _ordered(self.template, functions):
            if expressions.evaluate(resource.get("condition", True), functions) is not False:
                yield self._step(resource, functions)

    def _step(
        self, resource: Mapping[str, Any], functions: Mapping[str, expressions.Function]
    ) -> tuple[Target, str, dict[str, Any]]:
        odd = sorted(name for name in resource if name.casefold() in NOT_THERE)
        if odd:
            raise invalid(f"the simulator has no {odd[0]} in templates")
        kind, name = _identity(resource, functions)
        resource_id = expressions.resource_id(self.group, kind, *name.split("/"))
        target = self.service.catalog.find(ids.parse(quote(resource_id)))
        if target is None or target.action or target.listing:
            raise invalid(f"the simulator has no resource type {kind[:120]}")
        version = str(expressions.evaluate(resource.get("apiVersion", ""), functions))
        versions.check(version.casefold(), target.entry.type.versions, target.entry.kind)
        body = {n: v for n, v in resource.items() if n.casefold() not in ENVELOPE}
        body = expressions.require_light(expressions.evaluate(body, functions))
        return target, version.casefold(), body

    def run(self) -> ArmError | None:
        """Write everything, up to the first refusal, and return that.

        Raises:
            ArmError: 400 `InvalidTemplate`; then nothing may be kept.
        """
        try:
            for target, version, body in self.steps():
                self.allow(target)
                nested = replace(self.call, version=version, verb="PUT")
                writes.put(self.service, nested, target, body, {})
                kind = target.entry.type
                self.lasts += self.seconds(kind.create.duration or kind.duration)
                self.written.append(target.path.id)
                self._look(target)
        except ArmError as error:
            if error.code == "InvalidTemplate":
                raise
            return error
        return None

    def _look(self, target: Target) -> None:
        """Refuse to go on if the write's operation is to fail."""
        record = self.call.get(target.owner)
        operation = self.call.tx.operation(record.operation) if record else None
        if operation is not None and operation.error:
            error = operation.error
            raise ArmError(409, error.get("code", "Conflict"), error.get("message", ""))

    def outputs(self) -> dict[str, Any]:
        """Return the template's outputs."""
        functions = self.functions()
        outputs = {
            name: {
                "type": told.get("type", ""),
                "value": expressions.evaluate(told.get("value"), functions),
            }
            for name, told in mapping(self.template, "outputs").items()
            if isinstance(told, dict)
        }
        expressions.require_light(outputs)
        return outputs


def _ordered(
    template: Mapping[str, Any], functions: Mapping[str, expressions.Function]
) -> list[Mapping[str, Any]]:
    """Return the resources, each after those it depends on.

    Raises:
        ArmError: 400 for one that is declared twice, or a circle of them.
    """
    resources = template.get("resources")
    if not isinstance(resources, list) or len(resources) > MOST:
        raise invalid("the template has no list of resources, or too long a one")
    waiting = {_identity(each, functions): each for each in resources}
    if len(waiting) != len(resources):
        raise invalid("a resource is declared twice")
    spelled = _spelled(waiting)
    needs = {key: _needs(each, spelled, functions) for key, each in waiting.items()}
    try:
        return [waiting[key] for key in TopologicalSorter(needs).static_order()]
    except CycleError:
        raise invalid("resources depend on each other in a circle") from None


def _spelled(known: Iterable[tuple[str, str]]) -> Mapping[str, set[tuple[str, str]]]:
    """Return the resources that dependsOn may mean: by name, by type and name, by end of the id."""
    meant: dict[str, set[tuple[str, str]]] = {}
    for kind, name in known:
        full = expressions.resource_id("", kind, *name.split("/"))
        for spelling in (name, f"{kind}/{name}", full):
            meant.setdefault(spelling.casefold(), set()).add((kind, name))
    return meant


def _needs(
    resource: Mapping[str, Any],
    spelled: Mapping[str, set[tuple[str, str]]],
    functions: Mapping[str, expressions.Function],
) -> set[tuple[str, str]]:
    wanted = expressions.evaluate(resource.get("dependsOn") or [], functions)
    if not isinstance(wanted, list):
        raise invalid("dependsOn is not a list")
    needs: set[tuple[str, str]] = set()
    for each in wanted:
        end = str(each).casefold()
        _, begins, rest = end.rpartition(PROVIDERS)
        needs |= spelled.get(end, set()) | spelled.get(f"{begins}{rest}", set())
    return needs


def _identity(resource: Any, functions: Mapping[str, expressions.Function]) -> tuple[str, str]:
    if not isinstance(resource, dict):
        raise invalid("a resource is not an object")
    kind = expressions.evaluate(resource.get("type"), functions)
    name = expressions.evaluate(resource.get("name"), functions)
    if not isinstance(kind, str) or not isinstance(name, str) or not kind or not name:
        raise invalid("a resource lacks its type or name")
    if kind.count("/") != name.count("/") + 1:
        raise invalid(f"the type {kind[:80]} and the name {name[:80]} have not the same segments")
    return kind, name


def mapping(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a member that is an object; an empty one if it is left out.

    Raises:
        ArmError: 400 `InvalidTemplate` if it is something else.
    """
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        raise invalid(f"{name[:80]} is not an object")
    return value or {}
