"""The DRBD resource file of a mirror: 8.4 and 9 put the same settings in different places.

A setting in the wrong place, or one that the version does not know, makes drbdadm refuse the
whole file: `fencing` belongs to `disk` in 8.4 and to `net` in 9, and only 9 has `node-id` and
`auto-promote`.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, List

from hacluster_node.resources import disks

if TYPE_CHECKING:
    from hacluster_node.resources.kinds import Call

_KERNEL = re.compile(r"DRBD_KERNEL_VERSION_CODE=0x([0-9a-fA-F]+)")
_HANDLER = "/usr/bin/hacluster-node mirror-peer-lost"
_FENCING = "fencing resource-and-stonith;"
_COPYING = "resync-rate 50M; c-max-rate 400M; c-min-rate 10M; c-fill-target 1M;"
"""How fast a half catches up: as fast as disks and network allow, and at 10 MiB/s beside writes.
DRBD's own defaults feel their way up from 250 KiB/s: a tenth to a fifth of the speed.
"""


def kernel_version(output: str) -> int:
    """Return the kernel's major DRBD version from `drbdadm --version`; 0 if it has none."""
    found = _KERNEL.search(output)
    return int(found.group(1), 16) >> 16 if found else 0


def resource_name(call: Call) -> str:
    """Return the name DRBD knows the mirror by: unique over all groups of a node."""
    return f"ha-{call.group}-{call.name}"


def resource_file(call: Call, version: int) -> str:
    """Return the resource file for DRBD of a major version.

    Options used: `nodes` (name, address for the two halves), `port`, `minor`, and the devices,
    see `disks.partitions`. A lost peer is noticed within 2.5 s; until the handler has noted it as
    behind, writes wait.
    """
    old = version < 9
    options = call.options
    metadata, data = disks.partitions(options)
    lines = [
        f"resource {resource_name(call)} {{",
        *([] if old else [" options { auto-promote no; }"]),
        " net { protocol C; ping-int 2; ping-timeout 5; timeout 30; connect-int 2;",
        "  after-sb-0pri disconnect; after-sb-1pri disconnect; after-sb-2pri disconnect;",
        f"  {'' if old else _FENCING} }}",
        f" disk {{ on-io-error detach; {_COPYING} {_FENCING if old else ''} }}",
        f' handlers {{ fence-peer "{_HANDLER} {call.group} {call.name}"; }}',
        " volume 0 {",
        f"  device minor {options['minor']};",
        f"  disk {data};",
        f"  meta-disk {metadata};",
        " }",
    ]
    return "\n".join([*lines, *_halves(call, old=old), "}"]) + "\n"


def _halves(call: Call, *, old: bool) -> List[str]:
    lines = []
    for number, node in enumerate(call.options["nodes"]):
        address = ipaddress.ip_address(node["address"])
        where = f"ipv6 [{address}]" if address.version == 6 else f"ipv4 {address}"
        identity = "" if old else f"node-id {number}; "
        port = call.options["port"]
        lines.append(f" on {node['name']} {{ {identity}address {where}:{port}; }}")
    return lines
