"""All that one pass has come to know: what its summary is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hacluster.errors import HAClusterError
from hacluster.model.assessment import Signals
from hacluster.model.ids import ArmId
from hacluster.model.status import ClusterStatus
from hacluster.plan.view import View
from hacluster.reconcile.gate import Gated
from hacluster.reconcile.nodes_seen import NodesSeen
from hacluster.reconcile.preparing import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTrouble:
    """A step on ``id`` that failed, and is not known to have succeeded since."""

    id: ArmId
    error: HAClusterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A pass at its end."""

    view: View
    """The cluster with what was seen and assessed; an empty snapshot if Azure was not reached."""
    now: datetime
    """The wall clock, in UTC."""
    previous: ClusterStatus = field(default_factory=ClusterStatus)
    """The status as it is, for what only time tells."""
    signals: Signals = field(default_factory=Signals)
    nodes: NodesSeen | None = None
    """What was read about the nodes; None where no agent of ours runs them."""
    prepared: Prepared | None = None
    """What was read for nodes that the operator configures itself."""
    last_nodes: Mapping[str, str] = field(default_factory=dict)
    """By group, the node that it is remembered to have been on."""
    gated: Gated = field(default_factory=Gated)
    inventory: tuple[ArmId, ...] | None = None
    """What is ours now; None leaves the inventory as it is."""
    foreign: tuple[ArmId, ...] = ()
    """What others have inside of resources of ours."""
    troubles: tuple[StepTrouble, ...] = ()
    """What Azure has refused, in this pass or earlier."""
    trouble: HAClusterError | None = None
    """What ended the pass before anything could be seen."""
    moving: tuple[ArmId, ...] = ()
    """What Azure has accepted and was not seen to end."""
    requested_at: str | None = None
    """The annotation that asked for this pass."""
    is_deleting: bool = False
