"""What a pass has read about the nodes, and what is remembered of it between passes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hacluster.errors import HAClusterError
from hacluster.model.agent import Installation
from hacluster.model.assessment import NodeReport
from hacluster.model.keys import MasterKeys
from hacluster.model.status import GroupState, GroupStatus
from hacluster.plan.nodes.keys import Confirmed
from hacluster.reconcile.ports import Secret
from hacluster.reconcile.store_port import Blob, Store
from hacluster_wire.documents import Document

SOONEST_AGAIN_S: Final = 5.0
"""The pause after a store did not answer for the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A configuration as it lies in the store for one node."""

    tag: str
    """ETag of the blob; empty where there is none."""
    generation: int = 0
    digest: str = ""
    """Of its content; empty where no key of ours has signed it."""
    key: str = ""
    """The key that signed it."""
    base: str = ""
    """Digest of its content without software: what is the same for all nodes at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesSeen:
    """All that was read about the nodes in one pass."""

    keys: MasterKeys | None = None
    secret: Secret | None = field(default=None, repr=False, compare=False)
    is_keyless: bool = False
    """Whether a complete answer told that there are no keys yet."""
    is_orphaned: bool = False
    """Whether the keys are those of an earlier object of this name, which is gone."""
    is_aged: bool = False
    """Whether the key that signs is so old that another one is due."""
    sas_for: str = ""
    """URL of the container that a SAS is to open to the nodes; empty where none is needed."""
    account: str = ""
    """The account whose token the nodes need; empty where the witness is no Lease."""
    is_token_due: bool = False
    """Whether the nodes are to get a token: they have none, or an old one."""
    is_token_overdue: bool = False
    """Whether the nodes' token should long have been renewed."""
    are_rights_due: bool = False
    """Whether it is to be looked whether the account, its rights and the Leases are there."""
    is_sas_due: bool = False
    """Whether the nodes are to get a SAS: they have none, or an old one."""
    is_sas_overdue: bool = False
    """Whether the nodes' SAS should long have been renewed."""
    store: Store | None = field(default=None, repr=False, compare=False)
    is_read: bool = False
    """Whether the store has answered all that was asked."""
    is_packaged: bool = False
    """Whether the agent's package is in the store."""
    content: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    """The configuration that every node ought to run; None while it cannot be made."""
    digest: str | None = None
    published: Mapping[str, Published] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict, repr=False, compare=False)
    reports: tuple[NodeReport, ...] = ()
    confirmed: Mapping[str, Confirmed] = field(default_factory=dict)
    """What each node has confirmed about keys; without those that said nothing believable."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    holder: str | None = None
    installation: Installation | None = None
    trouble: HAClusterError | None = None
    """What kept something from being read or made; the rest was read all the same."""
    failed: HAClusterError | None = None
    """What the last write has met."""
    awaits: str = ""
    """What has to be there first, in words."""

    def gist(self) -> "NodesSeen":
        """Return it with only what two passes are compared by: small enough to be remembered."""
        return replace(self, secret=None, store=None, content=None, documents={})


@dataclass(slots=True)
class NodesMemory:
    """What is remembered between passes: hints only. Times are monotonic seconds."""

    secret: Secret | None = None
    keys_at: float = float("-inf")
    contents: dict[tuple[str, str, str], str] = field(default_factory=dict)
    contents_at: float = float("-inf")
    contents_of: int = -1
    """The generation of the spec that ``contents`` were read for."""
    blobs: dict[str, Blob] = field(default_factory=dict)
    grown: dict[str, tuple[int, float, bool]] = field(default_factory=dict)
    """By node: the newest generation of its status, since when, and whether it was seen to grow."""
    attempts: dict[str, int] = field(default_factory=dict)
    """By node, the attempt to bring the agent that was last noted as failed."""
    packaged: str = ""
    provided: str = ""
    """The account, its rights and its Leases as they were made last."""
    provided_at: float = float("-inf")
    failed: HAClusterError | None = None
    """What the last write has met."""
    away: HAClusterError | None = None
    """Why the store did not answer when it was asked last."""
    away_until: float = float("-inf")
    away_for: float = 0.0
    eager_until: float = float("-inf")
    last_nodes: dict[str, str] = field(default_factory=dict)
    """By group, the node it was last seen on."""

    def saw(self, groups: Iterable[GroupStatus]) -> None:
        """Note where groups run."""
        for group in groups:
            if group.state is GroupState.ONLINE and group.node is not None:
                self.last_nodes[group.name] = group.node

    def store_failed(self, error: HAClusterError, now: float, longest: float) -> None:
        """Leave a store alone for a while that did not answer: twice as long each time."""
        self.away_for = min(max(2 * self.away_for, SOONEST_AGAIN_S), longest)
        self.away, self.away_until = error, now + self.away_for

    def store_answered(self) -> None:
        """Ask the store as often as usual again."""
        self.away, self.away_for = None, 0.0

    def forget_keys(self) -> None:
        """Have the Secret read in the next pass."""
        self.keys_at = float("-inf")

    def hurry(self, now: float, seconds: float) -> None:
        """Have the next passes follow soon for a while."""
        self.eager_until = max(self.eager_until, now + seconds)
