"""Which node does not hear which, what that means, and what to do: from the nodes' own reports.

Heartbeats and reports go different ways: the ones from node to node, the others into the store. So
what one way tells of a node explains the other one's silence.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from hacluster.model.assessment import NodeReport
from hacluster.model.cluster import ClusterSpec
from hacluster.model.partition import PartitionMode
from hacluster.model.status import NodeRole

LISTED: Final = 3
"""How many pairs of nodes a sentence names before it only counts them."""
_MEANS: Final = {
    PartitionMode.WITNESS: "the witness still decides; while it cannot be reached either, no "
    "node stays active",
    PartitionMode.GUIDE: "in the guide's mode each takes the other for dead, and both may serve",
}


def losses(spec: ClusterSpec, reports: Mapping[str, NodeReport]) -> str:
    """Return which nodes that report do not hear each other, with meaning and remedy; or nothing.

    What leaves in order is not missed.
    """
    there = [
        node.name
        for node in spec.nodes
        if node.name in reports and reports[node.name].role is not NodeRole.STOPPED
    ]
    found = [words for pair in combinations(there, 2) for words in _loss(*pair, reports)]
    if not found:
        return ""
    more = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
    service = spec.cluster
    addresses = {node.name: node.private_ip_address for node in spec.nodes}
    among = " and ".join(addresses[name] for name in there) if len(there) == 2 else "the nodes"
    return (
        f"{'; '.join(found[:LISTED])}{more}: {_MEANS[service.partition.mode]}; let UDP port "
        f"{service.heartbeat.port} pass both ways between {among}"
    )


def _loss(one: str, other: str, reports: Mapping[str, NodeReport]) -> Iterator[str]:
    is_missed = {a for a, b in ((one, other), (other, one)) if a in reports[b].misses}
    if len(is_missed) == 2:
        yield f"{one} and {other} do not hear each other"
    for sender in is_missed if len(is_missed) == 1 else ():
        hearer = other if sender == one else one
        is_one_way = hearer in reports[sender].hears
        yield f"{hearer} does not hear {sender}{f', which hears {hearer}' if is_one_way else ''}"


def silence(node: str, reports: Mapping[str, NodeReport]) -> str:
    """Return what it means that a node has no fresh report, by what the others hear of it."""
    told = f"the agent of {node} is silent: whether it can take over is not known"
    hearers = [name for name, report in reports.items() if node in report.hears]
    deaf = [name for name, report in reports.items() if node in report.misses]
    if hearers:
        return (
            f"{told}; {_names(hearers)} {_verb(hearers, 'hear')} its heartbeats, so it runs and "
            "does not reach the store: look at its way to the storage account, and its identity"
        )
    if deaf:
        return (
            f"{told}; {_names(deaf)} {_verb(deaf, 'do', 'does')} not hear it either: see whether "
            "its machine runs, and journalctl -u hacluster-node there"
        )
    return told


def _names(names: list[str]) -> str:
    return " and ".join(names)


def _verb(names: list[str], many: str, one: str = "") -> str:
    return many if len(names) > 1 else one or f"{many}s"
