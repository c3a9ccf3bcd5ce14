"""The reasons of conditions: one word each, with its cause and its remedy.

docs/reasons.md is generated from here. A reason says why a condition is what it is; the condition's
message adds what exactly was seen. A reason that nothing gives is removed.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A condition's reason; ``cause`` and ``remedy`` are for the person who reads it at night."""

    cause: str
    remedy: str

    def __new__(cls, word: str, cause: str, remedy: str) -> Self:
        """Make a member whose value is ``word``."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.cause = cause
        member.remedy = remedy
        return member

    AS_DECLARED = "AsDeclared", "Everything is as the spec asks.", "Nothing to do."
    SPEC_ACCEPTED = "SpecAccepted", "The spec is understood and allowed.", "Nothing to do."
    SPEC_INVALID = (
        "SpecInvalid",
        "The spec breaks a rule that the API server cannot check.",
        "Write what the message says at the path it names, and apply again.",
    )
    PROGRESSING = (
        "Progressing",
        "Azure is working on what was asked, or more steps follow.",
        "Wait; the status lists the steps under plan.",
    )
    DRIFTED = (
        "Drifted",
        "Azure differs from the spec: somebody changed it from outside.",
        "In mode Enforce it is being repaired. In mode Observe, repair it or set mode: Enforce.",
    )
    PAUSED = (
        "Paused",
        "management.paused is true: Azure is looked at and not changed.",
        "Set management.paused to false.",
    )
    OBSERVING = (
        "Observing",
        "management.mode is Observe: drift and the plan are shown, and nothing is written.",
        "Set management.mode to Enforce to have the plan carried out.",
    )
    DISRUPTION_HELD = (
        "DisruptionHeld",
        "A step would interrupt the active node, more than one node, or a node that the cluster "
        "cannot spare now.",
        "Move the groups to another node, or mend what the condition Degraded says; the step "
        "follows by itself. A node that you know to be no longer needed for the service may be "
        "permitted by the annotation hacluster.dev/interrupt: NODE.",
    )
    MOVING_AWAY = (
        "MovingAway",
        "A step would interrupt the active node, so its groups are moved to another node first, by "
        "a HAClusterOperation that the operator makes.",
        "Wait: the step follows when another node serves. To prevent it, set management.paused, "
        "or failover: Manual on the group.",
    )
    ADOPTION_REQUIRED = (
        "AdoptionRequired",
        "A resource of a name that we need exists and does not carry this cluster's owner tag.",
        "Choose another name, or allow it by management.adoption: IfTagged or Always.",
    )
    OWNED_BY_ANOTHER = (
        "OwnedByAnother",
        "A resource of a name that we need belongs to another HAClusterSpec object.",
        "Choose another name or resource group; what another object owns is never adopted.",
    )
    EXISTING_NOT_FOUND = (
        "ExistingNotFound",
        "Something that the spec calls existing is not there.",
        "Correct the id or name at the path in the message, or create the resource.",
    )
    EXISTING_UNSUITABLE = (
        "ExistingUnsuitable",
        "Something that the spec calls existing cannot be used as it is, and is never changed.",
        "Change the resource or the spec as the message says.",
    )
    FOREIGN_INSIDE = (
        "ForeignInside",
        "A resource of ours holds things that are not ours, which deleting it would destroy.",
        "Remove or move what the message names; then the resource is deleted, or delete it by "
        "hand.",
    )
    IMMUTABLE_DIFFERENCE = (
        "ImmutableDifference",
        "The spec asks for something that Azure cannot change on an existing resource.",
        "Undo the change, or allow standby nodes to be rebuilt by management.replacement: "
        "OneAtATime.",
    )
    THROTTLED = (
        "Throttled",
        "Azure answers 429: this identity has made too many calls.",
        "Wait; calls resume when Azure says so. If it lasts, see who else uses the identity.",
    )
    DENIED = (
        "Denied",
        "Azure answers 403: the identity lacks the permission that the message names.",
        "Assign the role of deploy/azure-role.json to the identity, at least on the group.",
    )
    UNAUTHENTICATED = (
        "Unauthenticated",
        "Microsoft Entra ID refuses the credentials, or Azure answers 401.",
        "Renew the secret, certificate or federated credential that the message names.",
    )
    SECRET_MISSING = (
        "SecretMissing",
        "A Secret or a key that the spec refers to does not exist in the object's namespace.",
        "Create the Secret or the key that the message names.",
    )
    SECRET_INVALID = (
        "SecretInvalid",
        "A Secret that the spec refers to does not hold what is needed.",
        "Correct the key that the message names.",
    )
    AZURE_UNREACHABLE = (
        "AzureUnreachable",
        "Azure does not answer, answers with 5xx, or an operation failed by Azure's own doing.",
        "Check the operator's way to the endpoint in the message, and Azure's status page.",
    )
    STORE_UNREACHABLE = (
        "StoreUnreachable",
        "The cluster's container does not answer the operator, or has errors of its own.",
        "Check the way to the address in the message; a firewall of the account must let the "
        "operator in. The nodes are on their own meanwhile, and go on serving.",
    )
    STORE_DENIED = (
        "StoreDenied",
        "The operator's identity may not read or write the blobs of the cluster's container.",
        "Assign the role of deploy/azure-role.json, whose data actions it needs, on the group or "
        "the account; a new assignment takes Azure some minutes.",
    )
    QUOTA_EXCEEDED = (
        "QuotaExceeded",
        "The subscription's quota or the region's or zone's capacity is used up.",
        "Raise the quota, or choose another size, zone or region.",
    )
    POLICY_DENIED = (
        "PolicyDenied",
        "An Azure Policy of the subscription forbids the request.",
        "Have the policy that the message names changed or exempted, or change the spec.",
    )
    RESOURCE_LOCKED = (
        "ResourceLocked",
        "A management lock forbids the change.",
        "Remove the lock that the message names.",
    )
    REJECTED = (
        "Rejected",
        "Azure says that the request is wrong.",
        "Read Azure's own words in the message; if the spec is right, report it as a bug.",
    )
    REFUSED = (
        "Refused",
        "The operator will not do what the spec asks, because it is not safe.",
        "Read the message; it says what to do instead.",
    )
    NOT_OBSERVED = (
        "NotObserved",
        "It was not seen yet.",
        "Wait for the next pass.",
    )
    AWAITING_AGENT = (
        "AwaitingAgent",
        "No agent has reported from a node yet.",
        "Wait; if it lasts, look at the node's boot diagnostics and its way out to Azure.",
    )
    NODE_AGENT_EXTERNAL = (
        "NodeAgentExternal",
        "cluster.nodeAgent is External: something else decides which node is active, and which can "
        "take over.",
        "Nothing to do.",
    )
    AGENT_SILENT = (
        "AgentSilent",
        "An agent has reported before, or another node's has, and now it does not.",
        "See whether the node runs and reaches the store; its journal has the agent's own words.",
    )
    INSTALLING = (
        "Installing",
        "The agent, or a newer one, is being brought to a node by Run Command.",
        "Wait; nodes are changed one at a time, and the active one last.",
    )
    INSTALL_FAILED = (
        "InstallFailed",
        "The script that brings the agent to a node has failed; it is tried again, more and more "
        "slowly.",
        "The message has the end of what it said. Mostly the machine has no way out to the store, "
        "or its image has no Python 3.9 or newer.",
    )
    SAS_OVERDUE = (
        "SasOverdue",
        "The nodes' SAS for the container ought to have been renewed, and was not. When it ends, "
        "six days after it was made, the nodes lose their witness.",
        "End management.paused or mode Observe, under which nothing is renewed; if it is neither, "
        "read the operator's log.",
    )
    TOKEN_OVERDUE = (
        "TokenOverdue",
        "The nodes' token for their Leases ought to have been renewed, and was not. When it ends, "
        "at the time that the message tells, the nodes lose their witness.",
        "End management.paused or mode Observe, under which nothing is renewed; if it is neither, "
        "read the operator's log.",
    )
    LEASE_DENIED = (
        "LeaseDenied",
        "The operator may not make the nodes' account, its rights, its token or the Leases beside "
        "the object.",
        "Apply deploy/components/kubernetes-lease, or set cluster.partition.witness to AzureBlob "
        "in a new object. If the message names something that belongs to somebody else, remove it.",
    )
    REPORT_NOT_BELIEVED = (
        "ReportNotBelieved",
        "A report in the store was not signed by the node it is said to be from, or is an old one.",
        "If the keys were just changed, wait for the next report. If not, somebody writes into "
        "the container who should not: see who has rights on it.",
    )
    CONFIGURATION_REFUSED = (
        "ConfigurationRefused",
        "An agent has read its newest configuration and refuses it; the one before is in force.",
        "The message has the agent's own words, and what to write instead.",
    )
    SOFTWARE_FAILED = (
        "SoftwareFailed",
        "A package, file or command of cluster.nodeConfiguration could not be put in place.",
        "The message says which and why; it is tried again.",
    )
    UNSAFE_SETTINGS = (
        "UnsafeSettings",
        "An agent says that its settings do not exclude two active nodes.",
        "The message has the agent's own words.",
    )
    CONFIGURING = (
        "Configuring",
        "A node does not run the declared configuration yet.",
        "Wait; if it lasts, read the agent's journal on the node that the message names.",
    )
    ONE_SERVES = (
        "OneServes",
        "All evidence shows exactly one serving node.",
        "Nothing to do.",
    )
    NOBODY_SERVES = (
        "NobodyServes",
        "The balancer finds no healthy node, or no agent says that its node is active.",
        "Look at the failover groups and the abnormal monitors in the status, and at the nodes.",
    )
    MORE_THAN_ONE_SERVES = (
        "MoreThanOneServes",
        "Two nodes serve at once: data may be written twice.",
        "Stop the service on the node that the witness does not name, at once.",
    )
    EVIDENCE_DIFFERS = (
        "EvidenceDiffers",
        "The balancer and the agents name different nodes: a failover is on its way.",
        "Wait for some probe intervals; if it lasts, something answers the probe on a standby.",
    )
    FAILOVER_SETTLING = (
        "FailoverSettling",
        "A node has taken over by the witness's word, and the balancer still names the one before: "
        "its word is some probes and up to a period old.",
        "Wait; if it lasts, the reason becomes EvidenceDiffers.",
    )
    NO_EVIDENCE = (
        "NoEvidence",
        "Neither the balancer nor an agent tells who serves.",
        "Wait until the agents report; without a balancer nothing else can tell.",
    )
    PROBE_OVERRULED = (
        "ProbeOverruled",
        "The balancer is set to send traffic to nodes that do not answer the probe.",
        "In mode Enforce it is being set back. Find out who set it: two nodes may serve at once.",
    )
    WITNESS_GUARDS = (
        "WitnessGuards",
        "The nodes reach the witness, which gives the right to be active to one at a time.",
        "Nothing to do.",
    )
    TARGETS_ONLY = (
        "TargetsOnly",
        "partition.mode is Guide: targets cannot exclude two active nodes in every case.",
        "Set cluster.partition.mode to Witness.",
    )
    WITNESS_UNREACHABLE = (
        "WitnessUnreachable",
        "A node does not reach the witness: it cannot take over.",
        "Check the node's way to the storage account, its role assignment and its identity.",
    )
    HEARTBEATS_LOST = (
        "HeartbeatsLost",
        "A node does not receive another one's heartbeats, in one direction or in both, though "
        "that one reports. No group is moved by that alone; but without the witness no node could "
        "stay active, and in the guide's mode both might serve.",
        "Let the heartbeat's UDP port (cluster.heartbeat.port) pass "
        "among the nodes in both directions: security groups, routes, the nodes' own firewalls. On "
        "a node, hacluster-node status shows whom it hears, and what it refuses.",
    )
    MAINTENANCE_ANNOUNCED = (
        "MaintenanceAnnounced",
        "Azure announces to a node that its machine is to be restarted, moved, evicted or paused "
        "for longer than the service could stand still (a scheduled event).",
        "Mostly nothing: the node's groups were moved away, and it takes part again when that is "
        "over. If the message says that no other node could take over, mend what keeps them from "
        "it: the groups are moved as soon as one can.",
    )
    NODE_DOWN = (
        "NodeDown",
        "A node's machine is missing or does not run.",
        "A missing machine is made again; one that was stopped has to be started.",
    )
    MIRROR_OUT_OF_STEP = (
        "MirrorOutOfStep",
        "A node does not have the newest data: it cannot take over.",
        "Wait until the mirror has been copied; its progress is in the node's status.",
    )
    CAN_SPARE_ONE = (
        "CanSpareOne",
        "Every node that does not serve is ready to take over.",
        "Nothing to do.",
    )
    DELETING = (
        "Deleting",
        "The object is being deleted, and what it owns in Azure first.",
        "Wait; the status lists the steps under plan.",
    )
    DELETION_BLOCKED = (
        "DeletionBlocked",
        "The object cannot be deleted: what it owns in Azure cannot be reached or removed.",
        "Mend the cause in the message; or abandon the cloud side by the annotation "
        'hacluster.dev/abandon: "true".',
    )
    INVARIANT_BROKEN = (
        "InvariantBroken",
        "The operator has found a state that its own rules exclude, and touches nothing.",
        "Report it as a bug, with the operator's log.",
    )
