"""MirrorDisk: a data partition kept in step on two nodes by DRBD, writable on one.

DRBD itself promotes a cut-off secondary without a word (docs/protocol.md, "Mirror"). What
stops that here: only the holder of the lease starts the resource at all, only an UpToDate
half starts, and a primary that loses its peer notes in the cluster's store that it writes on
alone before DRBD lets it (`fencing resource-and-stonith`, handler `mirror-peer-lost`). A node
whose half is noted as left behind refuses until it was brought in step again.
"""

from __future__ import annotations

import ipaddress
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from hacluster_node.errors import Broken, Refused
from hacluster_node.resources import disks, mirror_status

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call
    from hacluster_node.resources.mirror_status import MirrorStatus
    from hacluster_node.system.command import Outcome
    from hacluster_node.system.port import System

DIRECTORY = Path("/etc/drbd.d")
NO_METADATA = 119  # drbdmeta: "No valid meta data found"
_QUICK_S = 15.0


def configuration(call: Call) -> str:
    """Return the DRBD resource file for a mirror.

    Options used: `nodes` (name, address for the two halves), `port`, `minor`, and the devices,
    see `disks.partitions`.
    """
    options = call.options
    metadata, data = disks.partitions(options)
    lines = [
        f"resource {resource_name(call)} {{",
        " net { protocol C; ping-int 2; ping-timeout 5; timeout 30; connect-int 2;",
        "  after-sb-0pri disconnect; after-sb-1pri disconnect; after-sb-2pri disconnect;",
        "  fencing resource-and-stonith; }",
        " disk { on-io-error detach; }",
        f' handlers {{ fence-peer "/usr/bin/hacluster-node mirror-peer-lost {call.group} '
        f'{call.name}"; }}',
        " volume 0 {",
        f"  device minor {options['minor']};",
        f"  disk {data};",
        f"  meta-disk {metadata};",
        " }",
    ]
    for number, node in enumerate(options["nodes"]):
        address = ipaddress.ip_address(node["address"])
        family = "ipv6 [{}]" if address.version == 6 else "ipv4 {}"
        where = family.format(address)
        lines.append(
            f" on {node['name']} {{ node-id {number}; address {where}:{options['port']}; }}"
        )
    return "\n".join([*lines, "}"]) + "\n"


def resource_name(call: Call) -> str:
    """Return the name DRBD knows the mirror by: unique over all groups of a node."""
    return f"ha-{call.group}-{call.name}"


def device(options: Mapping[str, Any]) -> str:
    """Return the block device of the mirror."""
    return f"/dev/drbd{options['minor']}"


def status(system: System, call: Call) -> MirrorStatus:
    """Return what DRBD says.

    Raises:
        Broken: HAN-R01, neither a status nor "not up".
    """
    outcome = _drbdadm(system, call, "status")
    try:
        return mirror_status.parse(outcome.output, outcome.code)
    except ValueError as error:
        raise Broken("HAN-R01", str(error)) from error


class MirrorDisk:
    """Options: see `configuration`, and `mountPath`, `fileSystem`, `mountOptions`."""

    def prepare(self, system: System, call: Call) -> None:
        """Bring the local half up as secondary: on every node, whoever is active.

        Metadata is written only where there is none; data is never touched.
        """
        disks.partition(system, call)
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        (DIRECTORY / f"{resource_name(call)}.res").write_text(configuration(call), "utf-8")
        if status(system, call).is_up:
            _must(_drbdadm(system, call, "adjust"), "adjust")
            return
        if _drbdadm(system, call, "dump-md").code == NO_METADATA:
            _must(_drbdadm(system, call, "create-md", "--force"), "create-md")
        _must(_drbdadm(system, call, "up"), "up")

    def start(self, system: System, call: Call) -> None:
        """Become primary if this half is the newest, then mount."""
        if not status(system, call).is_up:
            self.prepare(system, call)
        self._wait_for_news(system, call)
        self._begin_if_new(system, call)
        refused = mirror_status.refusal(status(system, call), call.newest)
        if refused is not None:
            raise Refused(*refused)
        _must(_drbdadm(system, call, "primary"), "primary")
        options = call.options
        disks.format_if_empty(system, call, device(options))
        file_system = options.get("fileSystem", "ext4")
        where = options["mountPath"]
        system.mount(device(options), where, file_system, options.get("mountOptions", ""))

    def stop(self, system: System, call: Call) -> None:
        """Unmount and become secondary; the replication goes on."""
        system.unmount(call.options["mountPath"], call.timeout_s)
        if status(system, call).is_up:
            _must(_drbdadm(system, call, "secondary"), "secondary")

    def fence(self, system: System, call: Call) -> None:
        """As stop; whoever uses the file system was killed before."""
        self.stop(system, call)

    @staticmethod
    def _begin_if_new(system: System, call: Call) -> None:
        """Declare a mirror in step that never held data: both halves new, joined, and empty."""
        if not mirror_status.is_new(status(system, call)):
            return
        if disks.is_empty(system, call, disks.partitions(call.options)[1]):
            volume = f"{resource_name(call)}/0"
            argv = ("drbdadm", "--", "--clear-bitmap", "new-current-uuid", volume)
            place = f"{call.group}.{call.name}"
            _must(system.run(place, argv, _QUICK_S, {}), "new-current-uuid")

    @staticmethod
    def _wait_for_news(system: System, call: Call) -> None:
        """Give a connection that is just being made a moment to tell who is newer."""
        deadline = time.monotonic() + min(5.0, call.timeout_s / 4)
        while time.monotonic() < deadline:
            seen = status(system, call)
            settled = all(peer.connection == "Connected" for peer in seen.peers)
            if seen.is_alone or (settled and seen.disk not in ("Negotiating", "Consistent")):
                return
            time.sleep(0.25)


def _drbdadm(system: System, call: Call, verb: str, *arguments: str) -> Outcome:
    argv = ("drbdadm", verb, *arguments, resource_name(call))
    return system.run(f"{call.group}.{call.name}", argv, _QUICK_S, {})


def _must(outcome: Outcome, verb: str) -> None:
    if not outcome.ok:
        raise Broken("HAN-R01", f"drbdadm {verb} ended with {outcome.code}: {outcome.output}")
