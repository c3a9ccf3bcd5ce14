"""`hacluster-node`: sends each command to the module that knows it, importing nothing else."""

from __future__ import annotations

import sys

_PROGRAMS = ("run", "guard", "helper", "fence", "install", "check-config")


def main() -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:]
    if words[:1] == ["port-check"]:
        from hacluster_node.cli import port_check

        return port_check.main(words[1:])
    if words and words[0] in _PROGRAMS:
        from hacluster_node.cli import programs

        return programs.main(words)
    from hacluster_node.cli import client

    if not words or words[0] in ("-h", "--help", "help"):
        print(client.USAGE_TEXT, end="")  # noqa: T201 - the command line's output
        return 0 if words else client.USAGE
    path = client.SOCKET
    if words[0].startswith("--socket="):
        path = words.pop(0).partition("=")[2]
    return client.main(words, path)


if __name__ == "__main__":
    sys.exit(main())
