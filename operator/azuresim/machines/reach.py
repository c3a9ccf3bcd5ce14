"""Gets a command into a machine, or into the namespace of a client."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from azuresim.fabric.namespaces import NAMED
from azuresim.machines.cgroups import Group
from azuresim.machines.launch import SEARCH

AS_CLIENT: Final = """
file=$(mktemp /tmp/azuresim-resolv.XXXXXX)
printf 'nameserver %s\\n' "$1" >"$file"
mount --bind "$file" "$(readlink -f /etc/resolv.conf)"
rm "$file"
shift
exec "$@"
"""
"""Has names resolved the way a machine there would, in a mount namespace of the command's own."""


def become(where: Mapping[str, Any], words: Sequence[str]) -> NoReturn:
    """Become a command in a place that the simulator named.

    Args:
        where: `leader` and `group` of a machine, or `namespace` and `resolver` of a client.
        words: The command.

    Raises:
        OSError: This process may not, or the place is gone.
    """
    if "leader" in where:
        _become_inside(int(where["leader"]), str(where["group"]), words)
    apart = ["nsenter", f"--net={NAMED / where['namespace']}", "--", "unshare", "--mount", "--"]
    line = [*apart, "/bin/sh", "-euc", AS_CLIENT, "client", str(where["resolver"]), *words]
    os.execvp(line[0], line)  # noqa: S606 - a user's own command


def _become_inside(leader: int, group: str, words: Sequence[str]) -> NoReturn:
    """Join the machine: what freezes or kills it does the same to the command."""
    term = os.environ.get("TERM", "dumb")
    surroundings = {"PATH": SEARCH, "HOME": "/root", "USER": "root", "TERM": term}
    Path(f"/proc/{leader}").stat()
    Group(group).join(leader)
    line = ["nsenter", f"--target={leader}", "--all", "--wd=/root", "--", *words]
    os.execvpe(line[0], line, surroundings)  # noqa: S606 - as above
