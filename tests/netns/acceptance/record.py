"""The guide's chapter 3: what the zone's name servers say, seen from inside the network."""

import json
import time
from functools import partial
from typing import Any, Final

from tests.netns import services_side
from tests.netns.acceptance.stage import Cluster, serving, taken_over, until, until_well

from hacluster_local.arm import Arm
from hacluster_local.demo import hands
from hacluster_local.setup.checkout import PYTHON

DNS_VERSION: Final = "2018-05-01"


def is_deleted(cluster: Cluster) -> None:
    """Chapter 3.4: the record deleted by hand, the group moves, the record holds its address."""
    active, began = serving(cluster), time.time()
    azure = Arm(cluster.environment.azure)
    name = cluster.manifest["spec"]["access"]["dns"]["recordSet"]
    answer = azure.call("DELETE", f"{_zone(cluster, azure)}/A/{name}", DNS_VERSION)
    assert answer.status == 200, answer
    taken_over(cluster, active, "ch. 3.4: the A record is deleted by hand", began)
    leads_to(cluster, cluster.other(active))
    until_well(cluster)


def leads_to(cluster: Cluster, node: str) -> None:
    """See that the zone's own servers, and the network's resolver, give a node's address."""
    nodes = {one["name"]: one["privateIPAddress"] for one in cluster.manifest["spec"]["nodes"]}
    azure = Arm(cluster.environment.azure)
    apex = azure.get(f"{_zone(cluster, azure)}/NS/@", DNS_VERSION)
    dns = cluster.manifest["spec"]["access"]["dns"]
    name = f"{dns['recordSet']}.{dns['zone']}"
    servers = [one["nsdname"].rstrip(".") for one in apex["properties"]["NSRecords"]]
    assert servers
    for words in (*(("ask", name, server) for server in servers), ("resolve", name)):
        seen = partial(_is_told, cluster, words, nodes[node])
        until(f"{nodes[node]} by {' '.join(words)}", seen, cluster)


def _is_told(cluster: Cluster, words: tuple[str, ...], address: str) -> bool:
    place, program = f"vnet/{cluster.sample.network}", str(services_side.__file__)
    said: Any = json.loads(hands.on(cluster.environment, place, str(PYTHON), program, *words))
    return bool(said == [address])


def _zone(cluster: Cluster, azure: Arm) -> str:
    spec = cluster.manifest["spec"]
    home = f"{azure.subscription}/resourceGroups/{spec['azure']['resourceGroup']}/providers"
    return f"{home}/Microsoft.Network/dnsZones/{spec['access']['dns']['zone']}"
