"""Commands that talk to the running agent over its socket.

Exit codes: 0 done, 1 refused or failed (the reason on standard error), 2 wrong usage,
3 no agent. Only `json`, `socket` and `sys` are imported: status must be fast.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any, Dict, List, Mapping, Sequence

SOCKET = "/run/hacluster/agent.sock"
DONE, FAILED, USAGE, NO_AGENT = 0, 1, 2, 3
PEER_OUTDATED = 4  # drbd.conf(5), fence-peer: "the peer's disk is Outdated"

USAGE_TEXT = """\
usage: hacluster-node COMMAND

look:    status [--json] [--watch]     events [N]      check-config FILE
cluster: start | stop                  shutdown [--reboot]
group:   move GROUP [NODE]             group start|stop GROUP
         force-activate GROUP --other-node-is-off NODE
parts:   resource start|stop GROUP NAME
         monitor suspend|resume [NAME]
         simulate-failure MONITOR      clear [MONITOR]
tools:   port-check -h HOST -p PORT
programs (systemd runs them): run  guard  helper  fence     install [--root DIRECTORY]
"""

_WORDS: Mapping[str, Sequence[str]] = {
    "move": ("group", "to?"),
    "group start": ("group",),
    "group stop": ("group",),
    "resource start": ("group", "resource"),
    "resource stop": ("group", "resource"),
    "monitor suspend": ("monitor?",),
    "monitor resume": ("monitor?",),
    "simulate-failure": ("monitor",),
    "clear": ("monitor?",),
    "start": (),
    "stop": (),
}


class UsageError(ValueError):
    """The words make no command."""


def request(words: Sequence[str]) -> Dict[str, Any]:
    """Return the request that a command line stands for.

    Raises:
        UsageError: it stands for none.
    """
    if words[:1] == ["shutdown"] and words[1:] in ([], ["--reboot"]):
        return {"do": "shutdown", "reboot": len(words) == 2}
    if words[:1] == ["force-activate"]:
        if len(words) != 4 or words[2] != "--other-node-is-off":
            raise UsageError("force-activate GROUP --other-node-is-off NODE")
        return {"do": "force-activate", "group": words[1], "other_is_off": words[3]}
    for length in (2, 1):
        verb = " ".join(words[:length])
        if verb in _WORDS:
            return {"do": verb.replace(" ", "-"), **_fields(verb, words[length:])}
    raise UsageError(f"no command {' '.join(words)!r}")


def _fields(verb: str, values: Sequence[str]) -> Dict[str, str]:
    names = _WORDS[verb]
    least = sum(1 for name in names if not name.endswith("?"))
    if not least <= len(values) <= len(names) or any(value.startswith("-") for value in values):
        shown = " ".join(name.rstrip("?").upper() for name in names)
        raise UsageError(f"{verb} {shown}".strip())
    return {name.rstrip("?"): value for name, value in zip(names, values)}


def ask(message: Mapping[str, Any], path: str = SOCKET, timeout_s: float = 8.0) -> Dict[str, Any]:
    """Return the agent's answer.

    Raises:
        OSError: no agent answers at the socket.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        sock.connect(path)
        sock.sendall(json.dumps(message).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            chunk = sock.recv(65536)
            if not chunk:
                raise ConnectionError("the agent closed the connection")
            answer += chunk
    found = json.loads(answer)
    return found if isinstance(found, dict) else {}


def main(words: List[str], path: str = SOCKET) -> int:
    """Run one command and return its exit code."""
    try:
        if words[0] == "status":
            return _status(words[1:], path)
        if words[0] == "events":
            return _events(words[1:], path)
        if words[0] == "mirror-peer-lost":
            return _mirror_peer_lost(words[1:], path)
        answer = ask(request(words), path)
    except UsageError as error:
        print(f"usage: hacluster-node {error}", file=sys.stderr)  # noqa: T201 - the command line's output
        return USAGE
    except (OSError, ValueError) as error:
        return _explain("HAN-U01", f"{path}: {error}", NO_AGENT)
    if not answer.get("ok"):
        return _explain(answer.get("code", "HAN-U03"), answer.get("text", ""), FAILED)
    print(answer.get("text", "done"))  # noqa: T201 - the command line's output
    return DONE


def _status(options: Sequence[str], path: str) -> int:
    if set(options) - {"--json", "--watch"}:
        raise UsageError("status [--json] [--watch]")
    while True:
        answer = ask({"do": "status"}, path)
        if not answer.get("ok"):
            return _explain(answer.get("code", "HAN-U01"), answer.get("text", ""), FAILED)
        if "--json" in options:
            print(json.dumps(answer["status"], indent=1))  # noqa: T201 - the command line's output
        else:
            from hacluster_node.cli.table import status_table

            print(status_table(answer["status"]))  # noqa: T201 - the command line's output
        if "--watch" not in options:
            return DONE
        _wait_for_next_look()


def _wait_for_next_look() -> None:
    import time

    time.sleep(1.0)
    print("\033[H\033[2J", end="")  # noqa: T201 - clears the terminal


def _mirror_peer_lost(names: Sequence[str], path: str) -> int:
    """Answer DRBD's fence-peer handler: 4 lets it write on, all else keeps its I/O frozen."""
    if len(names) != 2:
        raise UsageError("mirror-peer-lost GROUP RESOURCE")
    message = {"do": "mirror-peer-lost", "group": names[0], "resource": names[1]}
    answer = ask(message, path, 25.0)
    if answer.get("ok"):
        return PEER_OUTDATED
    return _explain(answer.get("code", "HAN-U03"), answer.get("text", ""), FAILED)


def _events(options: Sequence[str], path: str) -> int:
    if len(options) > 1 or (options and not options[0].isdigit()):
        raise UsageError("events [N]")
    last = int(options[0]) if options else 50
    answer = ask({"do": "events", "last": last}, path)
    from hacluster_node.cli.table import event_lines

    for line in event_lines(answer.get("events", [])):
        print(line)  # noqa: T201 - the command line's output
    return DONE


def _explain(code: str, detail: str, exit_code: int) -> int:
    from hacluster_node.errors import NodeError

    print(NodeError(code, detail).explained(), file=sys.stderr)  # noqa: T201 - the command line's output
    return exit_code
