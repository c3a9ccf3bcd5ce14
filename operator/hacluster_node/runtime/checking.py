"""Runs a monitor's or target's check: by the network here, with rights in the helper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

from hacluster_node.core.config import AgentConfig, Monitor, Resource
from hacluster_node.errors import Broken, NodeError
from hacluster_node.monitors import network
from hacluster_node.records import azure_dns

if TYPE_CHECKING:
    from hacluster_node.runtime.links import Link
    from hacluster_node.runtime.mirrors import Mirrors
    from hacluster_node.runtime.stores import Stores

Check = Callable[[Monitor, float], str]
Ended = Callable[[bool, str], None]


class Checks:
    """All checks of a node.

    Args:
        stores: for the DNS monitor's look at ARM.
        links: to the guard, which knows whether the probe port is open, and to the helper,
            which runs scripts and looks at mirrors and processes.
        mirrors: which halves were left behind.
        epoch: returns the epoch under which this node holds a group, 0 if it does not.
    """

    def __init__(
        self,
        stores: Stores,
        links: Tuple[Link, Link],
        mirrors: Mirrors,
        epoch: Callable[[str], int],
    ) -> None:
        self._stores = stores
        self._guard, self._helper = links
        self._mirrors = mirrors
        self._epoch = epoch
        self._checks: Mapping[str, Check] = {
            "ProbePort": self._probe_port,
            "LoadBalance": lambda m, t: network.nothing_listens(m.options["port"], t),
            "AzureDNS": self._azure_dns,
            "Mirror": self._mirror,
            "Custom": self._custom,
            "Ping": lambda m, t: network.any_answers_ping(m.options["addresses"], t),
            "HTTP": lambda m, t: network.answers_head(m.options["url"], m.options["statuses"], t),
            "TCP": lambda m, t: network.listens(m.options["host"], m.options["port"], t),
            "Process": self._in_helper,
        }
        self.config: Optional[AgentConfig] = None

    def run(self, name: str, timeout_s: float, ended: Ended) -> None:
        """Run one check to its end and tell whether all is normal."""
        try:
            monitor = self._find(name)
            detail = self._checks[monitor.kind](monitor, timeout_s)
        except NodeError as error:
            ended(False, str(error))  # noqa: FBT003 - the two values of an outcome
        except (OSError, KeyError, ValueError) as error:
            ended(False, f"HAN-M02 {error}")  # noqa: FBT003 - the two values of an outcome
        else:
            ended(True, detail)  # noqa: FBT003 - the two values of an outcome

    def _find(self, name: str) -> Monitor:
        config = self.config
        for monitor in (*config.monitors, *config.partition.targets) if config else ():
            if monitor.name == name:
                return monitor
        raise Broken("HAN-M02", f"no monitor {name}")

    def _probe_port(self, monitor: Monitor, timeout_s: float) -> str:
        resource = monitor.options["resource"]
        answer = self._guard.call({"do": "listening", "resource": resource}, timeout_s)
        if not answer["ok"]:
            raise Broken("HAN-M01", f"nothing listens on the port of {resource}")
        return "listening"

    def _azure_dns(self, monitor: Monitor, timeout_s: float) -> str:
        group, resource = self._resource(monitor.options["resource"])
        record = azure_dns.Record.of(resource.options, self._address())
        arm = self._stores.resource_manager()
        return azure_dns.check(arm, record, self._epoch(group), timeout_s)

    def _mirror(self, monitor: Monitor, timeout_s: float) -> str:
        group, resource = self._resource(monitor.options["resource"])

        def ask(verb: str) -> Mapping[str, Any]:
            request = {"do": verb, "group": group, "resource": resource.name}
            return self._helper.call(request, timeout_s + 2.0)

        peers = self.config.peers if self.config else ()
        name = (group, resource.name)
        return _told(self._mirrors.watch(name, peers, self._epoch(group), ask))

    def _custom(self, monitor: Monitor, timeout_s: float) -> str:
        if "portCheck" in monitor.options:
            target = monitor.options["portCheck"]
            return network.listens(target["host"], target["port"], timeout_s)
        return self._in_helper(monitor, timeout_s)

    def _in_helper(self, monitor: Monitor, timeout_s: float) -> str:
        request = {"do": "check", "monitor": monitor.name, "timeout_s": timeout_s}
        return self._ask_helper(request, timeout_s)

    def _ask_helper(self, request: Dict[str, Any], timeout_s: float) -> str:
        return _told(self._helper.call(request, timeout_s + 2.0))

    def _resource(self, name: str) -> tuple[str, Resource]:
        for group in self.config.groups if self.config else ():
            for resource in group.resources:
                if resource.name == name:
                    return group.name, resource
        raise Broken("HAN-M02", f"no resource {name}")

    def _address(self) -> str:
        return own_address(self.config) if self.config else ""


def _told(answer: Mapping[str, Any]) -> str:
    if not answer["ok"]:
        raise Broken(answer["code"] or "HAN-M02", answer["detail"])
    return str(answer["detail"])


def own_address(config: AgentConfig) -> str:
    """Return this node's own address."""
    return next(node.address for node in config.nodes if node.name == config.node)
