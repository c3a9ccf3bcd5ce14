"""Gets a command into a machine, or into the namespace of a client."""

import asyncio
import os
import secrets
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from azuresim.fabric.namespaces import NAMED
from azuresim.machines.cgroups import Group
from azuresim.machines.launch import SEARCH
from azuresim.machines.wire import ask

LONGEST_S: Final = 3600.0
"""How long a command in an emulated machine may take."""

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
        where: `leader` and `group` of a machine, `agent` of an emulated one, or `namespace` and
            `resolver` of a client.
        words: The command.

    Raises:
        OSError: This process may not, or the place is gone.
    """
    if "agent" in where:
        sys.exit(asyncio.run(_run_by_agent(Path(where["agent"]), words)))
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


async def _run_by_agent(agent: Path, words: Sequence[str]) -> int:
    """Have the guest agent run a command, and return its exit code; it reads nothing from here."""
    run = f"by-hand-{secrets.token_hex(8)}"
    wish = {
        "do": "run", "id": run, "name": run, "text": f"{shlex.join(words)}\n", "parameters": {},
        "arguments": [], "protected": {}, "user": "", "timeout_s": LONGEST_S, "known": False,
    }  # fmt: skip
    answer = await ask(agent, wish)
    await ask(agent, {"do": "forget", "id": run})
    sys.stdout.write(str(answer["output"]))
    sys.stderr.write(str(answer["error"]))
    return int(answer["exit_code"])
