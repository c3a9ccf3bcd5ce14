"""The long-running programs, and the check of a configuration without running it."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, List, Mapping, Optional, Sequence

from hacluster_node.errors import NodeError
from hacluster_node.settings.node_file import NODE_FILE, NodeFile, read
from hacluster_node.settings.stored import Stored

if TYPE_CHECKING:
    from hacluster_node.system.linux import LinuxSystem


def main(words: List[str]) -> int:
    """Run one of the programs and return its exit code."""
    verb, options = words[0], words[1:]
    try:
        if verb == "check-config":
            return check_config(options)
        if verb == "install":
            return _install(options)
        node = read(Path(options[0]) if options else NODE_FILE)
        return _PROGRAMS[verb](node)
    except NodeError as error:
        print(error.explained(), file=sys.stderr)  # noqa: T201 - the command line's output
        return 1


def check_config(options: Sequence[str]) -> int:
    """Tell whether a configuration would be accepted: 0 yes, 1 no, with every fault and remedy.

    The file holds the plain content, or a signed document as it is in the store.
    """
    if not 1 <= len(options) <= 2:
        print("usage: hacluster-node check-config FILE [NODE]", file=sys.stderr)  # noqa: T201 - the command line's output
        return 2
    faults = _faults(Path(options[0]), "".join(options[1:]))
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - the command line's output
    if not faults:
        print("The configuration is good.")  # noqa: T201 - the command line's output
    return 1 if faults else 0


def _faults(path: Path, node: str) -> List[str]:
    from hacluster_node.settings.checks import missing_files
    from hacluster_node.settings.document import parse
    from hacluster_node.settings.reader import ConfigInvalid

    try:
        content = _content(path.read_text(encoding="utf-8"))
    except OSError as error:
        return [f"HAN-C01 {path}: {error.strerror}; name a file that can be read"]
    except ValueError as error:
        return [f"HAN-C01 {path}: is not JSON ({error}); write one JSON object"]
    try:
        settings = parse(content, node or _first_node(content))
    except ConfigInvalid as error:
        return [f"HAN-C01 {fault}" for fault in error.faults]
    return [f"HAN-C05 {fault}" for fault in missing_files(settings)]


def _content(text: str) -> object:
    header, _, rest = text.partition("\n")
    return json.loads(rest if _is_sealed(header) else text)


def _is_sealed(header: str) -> bool:
    try:
        found = json.loads(header)
    except ValueError:
        return False
    return isinstance(found, dict) and "signature" in found


def _first_node(content: object) -> str:
    nodes = content.get("nodes") if isinstance(content, dict) else None
    first = nodes[0] if isinstance(nodes, list) and nodes else {}
    return str(first.get("name", "")) if isinstance(first, dict) else ""


def _install(options: Sequence[str]) -> int:
    from hacluster_node.install.steps import install

    if options and (len(options) != 2 or options[0] != "--root"):
        print("usage: hacluster-node install [--root DIRECTORY]", file=sys.stderr)  # noqa: T201 - the command line's output
        return 2
    print(install(Path(sys.argv[0]).resolve(), Path("".join(options[1:]) or "/")))  # noqa: T201 - the command line's output
    return 0


def _agent(node: NodeFile) -> int:
    from hacluster_node.runtime.agent import main as run
    from hacluster_node.runtime.journal import set_up_logging

    set_up_logging()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # The guard fences what is left.
    return run(node)


def _guard(node: NodeFile) -> int:
    from hacluster_node.guard import process, realtime
    from hacluster_node.runtime.journal import set_up_logging

    set_up_logging()
    refused = realtime.harden()
    return process.main(_system(node), Stored(node), node.run_directory, refused)


def _helper(node: NodeFile) -> int:
    from hacluster_node.guard import lines
    from hacluster_node.helper.process import SOCKET, Helper
    from hacluster_node.runtime.journal import set_up_logging

    set_up_logging()
    helper = Helper(_system(node), Stored(node), node.run_directory)
    helper.serve(lines.listen(node.run_directory / SOCKET))
    return 0


def _fence(node: NodeFile) -> int:
    """Fence every group once: systemd runs it when the guard has ended, however it did."""
    from hacluster_node.guard import fencing

    settings = Stored(node).load()
    system = _system(node)
    failures = []
    if settings is not None:
        for group in settings.agent.groups:
            failures += fencing.fence(system, settings, group, 0)
    for failure in failures:
        print(failure, file=sys.stderr)  # noqa: T201 - the command line's output
    return 1 if failures else 0


def _system(node: NodeFile) -> LinuxSystem:
    from hacluster_node.system import cgroups
    from hacluster_node.system.linux import LinuxSystem

    own: Optional[Path] = cgroups.own()
    if own is None:
        return LinuxSystem(None)
    return LinuxSystem(cgroups.child(own, f"hacluster-{node.cluster}-{node.node}"))


_PROGRAMS: Mapping[str, Callable[[NodeFile], int]] = {
    "run": _agent,
    "guard": _guard,
    "helper": _helper,
    "fence": _fence,
}
