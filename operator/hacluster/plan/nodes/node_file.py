"""The node's own file: who it is, where its store is, and its keys (docs/node-configuration.md).

It holds secrets, so no plan, log or status ever has it: a step holds a `NodeFileRef`, and the
adapter makes the file of it for the one request that brings it to the node.
"""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from hacluster.model.agent import ApiServer
from hacluster.model.keys import MasterKeys
from hacluster.model.partition import StoreAccess
from hacluster_wire.keys import Secret, derive

CA_FILE: Final = "/etc/hacluster/ca.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a node finds what it needs; nothing in it is secret."""

    cluster: str
    node: str
    container: str
    """The container's URL."""
    client_id: str
    """Of the identity that the node signs in with; empty for the machine's own."""
    resource_manager: str
    """ARM, as a machine reaches it."""
    metadata: str = ""
    """The instance metadata service, where it is not Azure's."""
    has_ca: bool = False
    """Whether a further authority is trusted."""
    access: StoreAccess = StoreAccess.MANAGED_IDENTITY
    """How the node gets into the container; with SAS the signature comes with the keys."""
    api_server: ApiServer | None = None
    """Where the witness is a Lease; the token comes with the keys."""

    def identity(self) -> str:
        """Return a hash of it: with another one the agent has to be started anew.

        Neither keys nor SAS nor token are part of it: a running agent takes up new ones by itself.
        """
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFileRef:
    """Stands for a node's own file in a step's body until the step is sent."""

    secret: str
    """The Secret with the master keys, in the object's namespace."""
    fingerprint: str
    """Of the keys, and of the SAS, that the step was planned with."""
    place: Place


def render(place: Place, keys: MasterKeys) -> str:
    """Return the file's text, secrets and all.

    Raises:
        ValueError: the node needs a SAS or a token, and there is none.
    """
    accepted = [
        {
            "id": key,
            "heartbeat": _text(derive(value, "heartbeat")),
            "document": _text(derive(value, "document", place.node)),
        }
        for key, value in sorted(keys.masters.items())
    ]
    store: dict[str, Any] = {
        "container": place.container,
        "access": str(place.access),
        "clientId": place.client_id,
        "resourceManager": place.resource_manager,
    }
    if place.access is StoreAccess.SAS:
        if keys.sas is None:
            raise ValueError("no SAS was made yet")
        store["sas"] = keys.sas.text
    if place.metadata:
        store["metadata"] = place.metadata
    if place.has_ca:
        store["caFile"] = CA_FILE
    file: dict[str, Any] = {
        "cluster": place.cluster,
        "node": place.node,
        "store": store,
        "keys": {"active": keys.active, "accepted": accepted},
    }
    if (api_server := place.api_server) is not None:
        if keys.token is None:
            raise ValueError("no token was made yet")
        file["kubernetes"] = asdict(api_server) | {"token": keys.token.text}
    return json.dumps(file, indent=1, sort_keys=True)


def _text(secret: Secret) -> str:
    return base64.b64encode(secret.reveal()).decode()
