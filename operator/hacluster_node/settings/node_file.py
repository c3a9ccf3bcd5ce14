"""What only this node knows: who it is, where its store is, and its keys.

Written once by whoever installs the agent, to /etc/hacluster/node.json, mode 0640, owner
root, group hacluster. Everything else arrives by the store.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional

from hacluster_node.errors import Broken
from hacluster_node.settings.fields import web_address
from hacluster_node.settings.reader import ConfigInvalid, Reader
from hacluster_wire.errors import WireError
from hacluster_wire.keys import KeyRing, parse_ring

NODE_FILE = Path("/etc/hacluster/node.json")


@dataclass(frozen=True)
class Store:
    """Where the cluster meets.

    Attributes:
        container: the container's address.
        access: `ManagedIdentity` or `SAS`.
        sas: the signature's query string; only with `SAS`.
        client_id: the user-assigned identity, or "" for the machine's own.
        ca_file: an authority to trust instead of the system's, or None.
        metadata: the instance metadata service's base address.
        resource_manager: ARM's base address.
    """

    container: str
    access: str = "ManagedIdentity"
    sas: str = field(default="", repr=False)
    client_id: str = ""
    ca_file: Optional[str] = None
    metadata: str = "http://169.254.169.254"
    resource_manager: str = "https://management.azure.com"
    storage_audience: str = "https://storage.azure.com/"


@dataclass(frozen=True)
class Kubernetes:
    """The API server, where the witness is a Lease.

    Attributes:
        server: its base address.
        ca: the authority to trust (PEM), or "" for the system's.
        token: what this node shows.
    """

    server: str
    ca: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class NodeFile:
    """The whole file."""

    cluster: str
    node: str
    store: Store
    heartbeat_keys: KeyRing
    document_keys: KeyRing
    state_directory: Path
    run_directory: Path
    path: Optional[Path] = None
    """Where it was read from."""
    kubernetes: Optional[Kubernetes] = None


def read(path: Path) -> NodeFile:
    """Return the node's file.

    Raises:
        Broken: HAN-C04, it cannot be read.
        ConfigInvalid: HAN-C01, a field is wrong.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not JSON"
        raise Broken("HAN-C04", f"{path}: {reason}") from None
    faults: List[str] = []
    reader = Reader(content, "", faults)
    cluster, node = reader.name("cluster"), reader.name("node")
    store = _store(reader.child("store"))
    heartbeat, document = _keys(reader.child("keys"))
    state = Path(reader.text("stateDirectory", "/var/lib/hacluster"))
    run = Path(reader.text("runDirectory", "/run/hacluster"))
    kubernetes = _kubernetes(reader.child("kubernetes")) if reader.has("kubernetes") else None
    reader.done()
    if faults or heartbeat is None or document is None:
        raise ConfigInvalid(faults)
    return NodeFile(cluster, node, store, heartbeat, document, state, run, path, kubernetes)


def _store(reader: Reader) -> Store:
    access = reader.one_of("access", ("ManagedIdentity", "SAS"), "ManagedIdentity")
    store = Store(
        container=reader.checked("container", web_address, "an http or https address"),
        access=access,
        sas=reader.text("sas") if access == "SAS" else "",
        client_id=reader.text("clientId", ""),
        ca_file=reader.text("caFile", "") or None,
        metadata=reader.text("metadata", Store.metadata),
        resource_manager=reader.text("resourceManager", Store.resource_manager),
        storage_audience=reader.text("storageAudience", Store.storage_audience),
    )
    reader.done()
    return store


def _kubernetes(reader: Reader) -> Kubernetes:
    found = Kubernetes(
        server=reader.checked("server", web_address, "an http or https address"),
        ca=reader.text("ca", ""),
        token=reader.text("token"),
    )
    reader.done()
    return found


def _keys(reader: Reader) -> tuple[Optional[KeyRing], Optional[KeyRing]]:
    active = reader.text("active")
    heartbeat, document = {}, {}
    for item in reader.children("accepted"):
        key_id = item.text("id")
        heartbeat[key_id] = item.text("heartbeat")
        document[key_id] = item.text("document")
    reader.done()
    try:
        return parse_ring(heartbeat, active), parse_ring(document, active)
    except WireError as error:
        reader.fault("", str(error))
        return None, None
