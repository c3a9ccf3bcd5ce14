"""What a pass knows of what belongs on the nodes: the agent, the keys, and what files hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPackage:
    """The agent as this operator ships it."""

    digest: str
    """SHA-256 of the zip, in hexadecimal."""
    content: bytes = field(repr=False)
    bootstrap: str = field(repr=False)
    """The program that brings the zip to a machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """How the machines of a cloud reach what the operator reaches otherwise."""

    resource_manager: str = "https://management.azure.com"
    metadata: str = ""
    """Where the instance metadata service is not at Azure's address."""
    ca: str = field(default="", repr=False)
    """Authorities to trust beside the system's (PEM)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """The Kubernetes API server as the machines reach it."""

    server: str
    """Its base address."""
    ca: str = field(default="", repr=False)
    """The authority to trust (PEM); empty for the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What Run Command is to bring to every node; made only when all of it is known."""

    package: AgentPackage
    guest: Guest
    container: str
    """The container's URL."""
    client_id: str
    secret: str
    """The Secret that holds the master keys."""
    fingerprint: str
    """Of the keys."""
    api_server: ApiServer | None = None
    """Where the witness is a Lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What ``nodeConfiguration`` alone does not tell where no agent of ours carries it out.

    It is made only when all of it is known.
    """

    texts: Mapping[tuple[str, str], str] = field(repr=False)
    """What ConfigMaps hold, by name and key."""
    mark: str
    """Another one whenever ``texts`` are."""
    versions: Mapping[str, str]
    """By Secret, what changes with it: nothing is told of its values."""
    due: frozenset[str] = frozenset()
    """The nodes that were looked at so long ago that they are to be looked at again."""
