"""Every Azure name, id and tag of a cluster: made here and only here.

Names are functions of the object's namespace, name and spec, so that a create that is repeated
meets its own work instead of making a second thing. The object's uid is in a tag and in no name: an
object that was deleted with ``deletionPolicy: Retain`` and applied again finds what it left behind.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from hacluster.model import ids
from hacluster.model.access import BalancingRule, Dns, LoadBalancer, LoadBalancerType, Visibility
from hacluster.model.cluster import Cluster, ClusterSpec
from hacluster.model.groups import Resource
from hacluster.model.ids import ArmId
from hacluster.model.machines import DataDisk, Node

OWNER: Final = "hacluster-owner"
UID: Final = "hacluster-uid"

NETWORK: Final = "Microsoft.Network"
COMPUTE: Final = "Microsoft.Compute"
ROLE_DEFINITIONS: Final = "Microsoft.Authorization/roleDefinitions"
ROLE_ASSIGNMENTS: Final = "Microsoft.Authorization/roleAssignments"

BLOB_DATA_CONTRIBUTOR: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Azure's built-in role: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage"""

_GUIDS: Final = uuid.UUID("6f1e1d4e-5a0f-5d53-9a38-1f0a5c3b7e11")
_STORAGE_LIMIT: Final = 24
_CONTAINER_LIMIT: Final = 63
_SECRET_LIMIT: Final = 253
_LEASE_LIMIT: Final = 253 - 1 - 63
"""A group's name comes behind it."""
_NAME_LIMIT: Final = 64  # A virtual network's; other types take more.


@dataclass(frozen=True)
class ClusterNames:
    """The names of one cluster; each is made once."""

    cluster: Cluster

    @classmethod
    def of(cls, cluster: Cluster) -> Self:
        """Return the names of a cluster."""
        return cls(cluster)

    @cached_property
    def owner(self) -> str:
        """The value of the owner tag: ``<namespace>/<name>``."""
        return f"{self.cluster.namespace}/{self.cluster.name}"

    @cached_property
    def owner_tags(self) -> dict[str, str]:
        """The two tags that make a resource ours."""
        return {OWNER: self.owner, UID: self.cluster.uid}

    @cached_property
    def owner_metadata(self) -> dict[str, str]:
        """The same for record sets and containers, which have metadata and no tags.

        A container's metadata names must be C# identifiers, so the hyphens are underscores:
        https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
        """
        return {name.replace("-", "_"): value for name, value in self.owner_tags.items()}

    @cached_property
    def owner_mark(self) -> str:
        """The same in one line, for things that have only a description."""
        return f"{OWNER}={self.owner} {UID}={self.cluster.uid}"

    @cached_property
    def tags(self) -> dict[str, str]:
        """The user's tags and ours; ours win."""
        return {**self._spec.azure.tags, **self.owner_tags}

    @cached_property
    def subscription(self) -> ArmId:
        """The subscription."""
        return ArmId(f"/subscriptions/{self._spec.azure.subscription_id}")

    @cached_property
    def resource_group(self) -> ArmId:
        """The resource group."""
        return ArmId(f"{self.subscription}/resourceGroups/{self._spec.azure.resource_group}")

    @cached_property
    def virtual_network(self) -> ArmId:
        """The virtual network: ours, or the existing one, or the one the existing subnet is in."""
        network, subnet = self._spec.network.virtual_network, self._spec.network.subnet
        if network.existing:
            return ArmId(network.existing.id)
        if subnet.existing:
            return ids.parent_of(ArmId(subnet.existing.id))
        return self._top(NETWORK, "virtualNetworks", network.name or self._name("vnet"))

    @cached_property
    def subnet(self) -> ArmId:
        """The nodes' subnet."""
        subnet = self._spec.network.subnet
        if subnet.existing:
            return ArmId(subnet.existing.id)
        return ids.child(self.virtual_network, "subnets", subnet.name or self._name("subnet"))

    @cached_property
    def security_group(self) -> ArmId:
        """The security group of the nodes' interfaces."""
        group = self._spec.network.security_group
        if group.existing:
            return ArmId(group.existing.id)
        return self._top(NETWORK, "networkSecurityGroups", group.name or self._name("nsg"))

    @cached_property
    def nat_gateway(self) -> ArmId:
        """The NAT gateway."""
        return self._top(NETWORK, "natGateways", self._name("nat"))

    @cached_property
    def nat_address(self) -> ArmId:
        """The NAT gateway's public address."""
        return self._top(NETWORK, "publicIPAddresses", self._name("nat-ip"))

    @cached_property
    def availability_set(self) -> ArmId:
        """The availability set."""
        declared = self._spec.placement.availability_set
        name = (declared and declared.name) or self._name("avset")
        return self._top(COMPUTE, "availabilitySets", name)

    @cached_property
    def identity(self) -> ArmId:
        """The identity that all nodes have."""
        kind = "userAssignedIdentities"
        return self._top("Microsoft.ManagedIdentity", kind, self._name("nodes"))

    def machine(self, node: Node) -> ArmId:
        """The virtual machine of a node: it has the node's name."""
        return self._top(COMPUTE, "virtualMachines", node.name)

    def agent_command(self, node: Node) -> ArmId:
        """The Run Command that brings the agent to a node."""
        return ids.child(self.machine(node), "runCommands", "hacluster-agent")

    def configuration_command(self, node: Node) -> ArmId:
        """The Run Command that configures a node which no agent of ours runs."""
        return ids.child(self.machine(node), "runCommands", "hacluster-configuration")

    @cached_property
    def keys_secret(self) -> str:
        """The Secret with the cluster's master keys, in the object's namespace."""
        return self._beside("-hacluster-keys", _SECRET_LIMIT)

    @cached_property
    def nodes_account(self) -> str:
        """The nodes' service account, their role and its binding, in the object's namespace."""
        return self._beside("-hacluster-nodes", _SECRET_LIMIT)

    @cached_property
    def lease(self) -> str:
        """What the Leases' names begin with, one for each group, in the object's namespace."""
        return self._beside("-hacluster", _LEASE_LIMIT)

    def _beside(self, tail: str, limit: int) -> str:
        """Return the name of something of the cluster's in its namespace."""
        name = self.cluster.name
        if len(name) + len(tail) <= limit:
            return f"{name}{tail}"
        return f"{name[: limit - len(tail) - 11]}-{_digest(name)}{tail}"

    def interface(self, node: Node) -> ArmId:
        """The network interface of a node."""
        return self._top(NETWORK, "networkInterfaces", _short(f"{node.name}-nic"))

    def interface_address(self, node: Node) -> ArmId:
        """The public address of a node's interface (``outbound.type: PublicIP``)."""
        return self._top(NETWORK, "publicIPAddresses", _short(f"{node.name}-ip"))

    def os_disk(self, node: Node) -> ArmId:
        """The disk that a node boots from."""
        return self._top(COMPUTE, "disks", _short(f"{node.name}-os"))

    def data_disk(self, disk: DataDisk) -> ArmId:
        """A data disk of one node: it has the name the spec gives it."""
        return self._top(COMPUTE, "disks", disk.name)

    def shared_disk(self, resource: Resource) -> ArmId:
        """The disk behind a SharedDisk resource."""
        return self._top(COMPUTE, "disks", self._name(resource.name))

    @cached_property
    def storage_account(self) -> ArmId:
        """The storage account: at most 24 lower-case letters and digits, unique in all of Azure."""
        existing = self._spec.cluster.store.existing
        if existing:
            return ArmId(re.split("/blobServices/", existing.id, flags=re.IGNORECASE)[0])
        name = self._spec.cluster.store.storage_account or self._storage_name()
        return self._top("Microsoft.Storage", "storageAccounts", name)

    @cached_property
    def container(self) -> ArmId:
        """The blob container in which the nodes meet."""
        existing = self._spec.cluster.store.existing
        if existing and "/containers/" in existing.id.casefold():
            return ArmId(existing.id)
        name = self._spec.cluster.store.container or self._container_name()
        return ids.child(self.storage_account, "blobServices/default/containers", name)

    @cached_property
    def load_balancer(self) -> ArmId:
        """The load balancer."""
        balancer = self._spec.access.load_balancer
        name = (balancer and balancer.name) or self._name("lb")
        return self._top(NETWORK, "loadBalancers", name)

    @cached_property
    def balancer_address(self) -> ArmId:
        """The balancer's public address: ours, or the existing one."""
        balancer = self._spec.access.load_balancer
        declared = balancer and balancer.frontend.public_ip_address
        if declared and declared.existing:
            return ArmId(declared.existing.id)
        name = (declared and declared.name) or _short(f"{ids.name_of(self.load_balancer)}-ip")
        return self._top(NETWORK, "publicIPAddresses", name)

    def frontend(self, balancer: LoadBalancer) -> ArmId:
        """The balancer's front end."""
        kind = "frontendIPConfigurations"
        return ids.child(self.load_balancer, kind, balancer.frontend.name)

    def pool(self, balancer: LoadBalancer) -> ArmId:
        """The pool that all nodes are in."""
        return ids.child(self.load_balancer, "backendAddressPools", balancer.backend_pool.name)

    def probe(self, balancer: LoadBalancer) -> ArmId:
        """The probe that only the active node answers."""
        return ids.child(self.load_balancer, "probes", balancer.probe.name)

    def balancing_rule(self, rule: BalancingRule) -> ArmId:
        """A balancing rule: ``<protocol>-<frontendPort>`` where it has no name of its own."""
        name = rule.name or f"{rule.protocol.lower()}-{rule.frontend_port}"
        return ids.child(self.load_balancer, "loadBalancingRules", name)

    @cached_property
    def outbound_rule(self) -> ArmId:
        """The balancer's outbound rule (``outbound.type: LoadBalancer``)."""
        return ids.child(self.load_balancer, "outboundRules", "outbound")

    def zone(self, dns: Dns) -> ArmId:
        """The DNS zone."""
        kind = "dnsZones" if dns.visibility is Visibility.PUBLIC else "privateDnsZones"
        return self._top(NETWORK, kind, dns.zone)

    def record_set(self, dns: Dns) -> ArmId:
        """The record set that holds the active node's address."""
        return ids.child(self.zone(dns), "A", dns.record_set)

    def name_servers(self, dns: Dns) -> ArmId:
        """The record set that tells the zone's own name servers."""
        return ids.child(self.zone(dns), "NS", "@")

    def zone_link(self, dns: Dns) -> ArmId:
        """The link that lets our virtual network resolve a private zone."""
        return ids.child(self.zone(dns), "virtualNetworkLinks", self._name("link"))

    @cached_property
    def role_definition(self) -> ArmId:
        """The custom role with the few rights the nodes need; named by a GUID made from ours."""
        guid = self._guid("role", ids.key(self.resource_group))
        return ids.extension(self.subscription, ROLE_DEFINITIONS, guid)

    @cached_property
    def role_name(self) -> str:
        """The custom role's name for people: Azure wants it unique in the whole tenant."""
        return f"HA cluster nodes of {self.owner} ({self._digest})"

    @cached_property
    def blob_role(self) -> ArmId:
        """Azure's built-in role *Storage Blob Data Contributor*."""
        return ids.extension(self.subscription, ROLE_DEFINITIONS, BLOB_DATA_CONTRIBUTOR)

    def role_assignment(self, scope: ArmId) -> ArmId:
        """The one assignment that the nodes' identity has at a scope."""
        guid = self._guid("assignment", ids.key(self.identity), ids.key(scope))
        return ids.extension(scope, ROLE_ASSIGNMENTS, guid)

    @cached_property
    def is_public(self) -> bool:
        """Whether the balancer has a public address."""
        balancer = self._spec.access.load_balancer
        return balancer is not None and balancer.type is LoadBalancerType.PUBLIC

    @property
    def _spec(self) -> ClusterSpec:
        return self.cluster.spec

    def _top(self, namespace: str, kind: str, name: str) -> ArmId:
        return ArmId(f"{self.resource_group}/providers/{namespace}/{kind}/{name}")

    def _name(self, what: str) -> str:
        return _short(f"{self.cluster.name}-{what}")

    def _guid(self, *parts: str) -> str:
        return str(uuid.uuid5(_GUIDS, "\n".join((self.owner, *parts))))

    @cached_property
    def _digest(self) -> str:
        return _digest(f"{ids.key(self.resource_group)}\n{self.owner}")

    def _storage_name(self) -> str:
        digest = self._digest
        stem = re.sub(r"[^a-z0-9]", "", self.cluster.name.lower())
        return f"ha{stem}"[: _STORAGE_LIMIT - len(digest)] + digest

    def _container_name(self) -> str:
        digest = self._digest
        stem = re.sub(r"[^a-z0-9]+", "-", self.cluster.name.lower()).strip("-")
        return stem[: _CONTAINER_LIMIT - len(digest) - 1].rstrip("-") + f"-{digest}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _short(name: str) -> str:
    """Return the name, or if it is too long for Azure its head and a digest of the whole."""
    if len(name) <= _NAME_LIMIT:
        return name
    digest = _digest(name)
    return f"{name[: _NAME_LIMIT - len(digest) - 1]}-{digest}"
