"""Every error a person can meet: a stable code, its cause, and what to do about it.

`docs/node-errors.md` is generated from `CATALOGUE` (`python -m hacluster_node.errors`).
Codes are never reused. The letter says where: C configuration, W witness and store,
H heartbeats, G guard and fencing, R resources, D disks and mirrors, M monitors, A Azure,
O orders of the operator, S the agent's own state, U the command line.

NodeError            code, detail
├─ Refused           what was asked is not allowed, or makes no sense, as things are
└─ Broken            it was tried and did not work
"""

from __future__ import annotations

from typing import Mapping, NamedTuple


class Problem(NamedTuple):
    """One kind of trouble, told to an administrator."""

    title: str
    cause: str
    remedy: str


CATALOGUE: Mapping[str, Problem] = {
    "HAN-C01": Problem(
        "The configuration is not valid",
        "A field is missing, unknown, of the wrong type, or contradicts another one.",
        "The message names the field and what to write instead. The agent keeps its last good "
        "configuration until a valid one arrives.",
    ),
    "HAN-C02": Problem(
        "The configuration's signature is not accepted",
        "It was signed with a key this node does not have, for another node or cluster, or it "
        "was changed on the way.",
        "Check that the operator and this node share a key id (`hacluster-node status` shows the "
        "accepted ids). The last good configuration stays in force.",
    ),
    "HAN-C03": Problem(
        "The configuration is older than the one in force",
        "The store holds a lower generation than the node already runs.",
        "Nothing on the node. If the operator was restored from a backup, change the cluster "
        "object once, so that it writes a newer generation.",
    ),
    "HAN-C04": Problem(
        "The node's own file cannot be read",
        "/etc/hacluster/node.json is missing, not readable by the agent, or malformed.",
        "Install the agent again (the operator does it by Run Command), or put the file back with "
        "mode 0640, owner root, group hacluster.",
    ),
    "HAN-C05": Problem(
        "A file that the configuration names does not exist",
        "A script is missing on this node or may not be executed.",
        "Put the script in place on every node of the group and make it executable, or correct "
        "its path.",
    ),
    "HAN-W01": Problem(
        "The witness or the store does not answer",
        "The network, the storage account or the API server is away, slow or throttles.",
        "The active node goes on while every peer answers (failsafe), otherwise it fences itself. "
        "Check the route to the storage account; nothing has to be restarted.",
    ),
    "HAN-W02": Problem(
        "The witness or the store refuses this node",
        "The node's identity lacks Storage Blob Data Contributor on the container, the SAS has "
        "expired, or no token can be had.",
        "Check the role assignment of the node's identity, or renew the SAS. New role assignments "
        "take up to ten minutes to work.",
    ),
    "HAN-W03": Problem(
        "The witness's record is not readable",
        "Something else wrote to the record, or a newer agent did in a form this one cannot read.",
        "No node takes over while it is so. Upgrade the agent, or stop the cluster on all nodes, "
        "delete the record and start again.",
    ),
    "HAN-H01": Problem(
        "The heartbeat port cannot be used",
        "Another program has the UDP port, or the node's configured address is not its own.",
        "Free the port, or correct heartbeat.port or the node's address.",
    ),
    "HAN-F01": Problem(
        "A package, file or command could not be put in place",
        "A package source does not answer, a disk is full, or a command of "
        "cluster.nodeConfiguration fails.",
        "The message says which and why; it is tried again every minute.",
    ),
    "HAN-G01": Problem(
        "The guard does not answer",
        "The guard process is stopped, hangs or is gone. Without it nothing may serve.",
        "systemctl status hacluster-guard; restart it. The agent starts no group meanwhile.",
    ),
    "HAN-G02": Problem(
        "The fence took longer than its time",
        "A file system in use could not be unmounted, or a process could not be killed in time.",
        "The guard restarts the machine if the configuration says so and the group was active here "
        "since the boot; else it tries on. Look at the event log for the step that hung; give it "
        "more time only together with fence_s.",
    ),
    "HAN-G03": Problem(
        "Another agent is connected to the guard",
        "Two agents run on this node at once.",
        "Stop the one that was started by hand; systemd runs the agent.",
    ),
    "HAN-R01": Problem(
        "A command of a resource failed",
        "It returned a code other than 0; the message has the end of its output.",
        "Run the command by hand on the node, and look at the application's own log.",
    ),
    "HAN-R02": Problem(
        "A command of a resource took too long",
        "It did not end within its time limit and was killed with all its children.",
        "Find out what it waits for, or raise the resource's start or stop time.",
    ),
    "HAN-R03": Problem(
        "A resource may not start without a valid lease",
        "The guard knows no deadline for the group, or it has passed.",
        "Nothing: the agent tries again when the witness confirms it.",
    ),
    "HAN-R04": Problem(
        "A program that the resource needs is not installed",
        "The node lacks, for example, iproute2, nftables or drbd-utils.",
        "Install the package that the message names, on every node of the group.",
    ),
    "HAN-R05": Problem(
        "The probe port cannot be opened",
        "Another program listens on it.",
        "`ss -ltnp` shows which; stop it, or choose another probe port.",
    ),
    "HAN-D01": Problem(
        "The mirror's local data is not the newest",
        "This node's half is inconsistent, outdated or has no disk, or the other half wrote on "
        "without it. Starting here would lose data.",
        "Start the node that was active last and let the mirror get in step. If it is lost for "
        "good, `hacluster-node force-activate` accepts the loss.",
    ),
    "HAN-D02": Problem(
        "The two halves of the mirror differ (split brain)",
        "Both were written to while they were apart. Nothing is joined by guess.",
        "Decide which half to keep. On the node of the other, `drbdadm connect --discard-my-data "
        "ha-GROUP-NAME`; then, on the first, `drbdadm connect ha-GROUP-NAME`. docs/mirror.md has "
        "each step.",
    ),
    "HAN-D03": Problem(
        "A disk cannot be found or is not empty",
        "The data disk is not attached, or holds something the cluster did not put there.",
        "Attach the disk at the LUN of the configuration. A disk with foreign data is never "
        "formatted: wipe it yourself if it may go.",
    ),
    "HAN-D04": Problem(
        "A file system cannot be mounted or unmounted",
        "It is damaged, in use, or not of the configured type.",
        "The message has the system's own words. `fuser -vm PATH` shows who uses it.",
    ),
    "HAN-D05": Problem(
        "The shared disk is reserved by another node",
        "A node that was active still holds the SCSI reservation.",
        "Wait for its fence; if that machine is off for good, start the group with "
        "`hacluster-node force-activate`.",
    ),
    "HAN-D06": Problem(
        "The mirror's writes stand still",
        "The other half was lost, and the cluster's store does not yet have it noted as behind: "
        "writing on would let it start with old data later.",
        "Nothing, if the store is reachable again: writing goes on by itself within the mirror "
        "monitor's interval. Otherwise bring back the store or the other node, whichever is first.",
    ),
    "HAN-D07": Problem(
        "A disk of the mirror failed",
        "The local disk, or the other node's, answered with an error and was let go. Reading and "
        "writing go on with the half that is left; there is no second one until it is replaced.",
        "Replace or repair the disk, then `drbdadm attach ha-GROUP-NAME` on its node; a new empty "
        "disk is taken by `systemctl restart hacluster-node`. It is copied anew by itself.",
    ),
    "HAN-M01": Problem(
        "A monitor's check failed",
        "What the monitor watches does not answer as it should; the message says what came back.",
        "Look at what is watched. The recovery follows the monitor's configuration.",
    ),
    "HAN-M02": Problem(
        "A monitor's check cannot run",
        "The check lacks something of its own: a right, a program, a name that resolves.",
        "The message names it. A check that cannot run counts as failed.",
    ),
    "HAN-A01": Problem(
        "Azure Resource Manager refuses",
        "The node's identity lacks a right.",
        "The message names the action; deploy/ has the least role for the nodes.",
    ),
    "HAN-A02": Problem(
        "Azure Resource Manager does not answer as it should",
        "It is away, throttles, or answers an error.",
        "It is tried again. `hacluster-node events` shows since when.",
    ),
    "HAN-A03": Problem(
        "The DNS record carries a higher epoch",
        "Another node has registered itself since; this node's write came too late and was not "
        "made.",
        "Nothing: the newer node's address stands.",
    ),
    "HAN-O01": Problem(
        "Orders are not believed",
        "The document with the operator's orders carries no accepted signature, is for another "
        "node or cluster, is older than one that was seen, or is malformed.",
        "Nothing of it is carried out. Check that the operator and this node share a key id; after "
        "the operator was restored from a backup, make a new HAClusterOperation.",
    ),
    "HAN-O02": Problem(
        "Too many orders at once",
        "More orders are noted on this node than it keeps, and the time of none of them is over.",
        "Wait until their deadlines have passed; whatever makes so many should be stopped.",
    ),
    "HAN-S01": Problem(
        "The agent's state cannot be saved",
        "The disk is full, read-only or broken.",
        "Make room in /var/lib/hacluster. No safety rule rests on these files; counters of "
        "failures start anew after a restart, and no order from the operator is taken up "
        "meanwhile.",
    ),
    "HAN-U01": Problem(
        "The agent does not answer the command line",
        "The agent is not running, or the caller may not open its socket.",
        "systemctl status hacluster-node; use sudo or join the group hacluster.",
    ),
    "HAN-U02": Problem(
        "The command is not allowed for this user",
        "Only root and members of the group hacluster may change the cluster.",
        "Use sudo. `status` and `events` are open to every local user of the group.",
    ),
    "HAN-U03": Problem(
        "The command was refused",
        "The cluster's state does not allow it; the message gives the reason.",
        "Do what the message says, or look at `hacluster-node status`.",
    ),
}


class NodeError(Exception):
    """Something went wrong that a person may have to know.

    Attributes:
        code: a key of `CATALOGUE`.
        detail: what was asked and what came back, without secrets.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code} {detail}")
        self.code = code
        self.detail = detail

    def explained(self) -> str:
        """Return detail, cause and remedy as lines for a terminal."""
        problem = CATALOGUE[self.code]
        return (
            f"{self.code}: {problem.title}: {self.detail}\n"
            f"  cause:  {problem.cause}\n  remedy: {problem.remedy}"
        )


class Refused(NodeError):
    """What was asked is not allowed as things are; nothing was changed."""


class Broken(NodeError):
    """It was tried and did not work."""


def markdown() -> str:
    """Return the page `docs/node-errors.md`."""
    lines = [
        "# Errors of the node agent",
        "",
        "Generated from `operator/hacluster_node/errors.py` by `python -m hacluster_node.errors`.",
        "Each line of the agent's log and each refused command carries one of these codes.",
    ]
    for code, problem in sorted(CATALOGUE.items()):
        lines += ["", f"## {code}: {problem.title}", ""]
        lines += [f"- **Cause:** {problem.cause}", f"- **What to do:** {problem.remedy}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - the page's generator
