"""The script that Run Command runs: a head that tells what it brings, and the agent's bootstrap.

Azure does not run the same text twice, so the head makes every wish another text: another agent,
another identity, other keys, another attempt. What was sent is read back from there; nothing has to
be remembered. Nothing in it is secret.
"""

import re
from dataclasses import dataclass
from typing import Final

_END: Final = "HACLUSTER_BOOTSTRAP_ENDS"
_HEAD: Final = re.compile(
    r"^# hacluster-agent package=([0-9a-f]{64}) identity=([0-9a-f]+) keys=([0-9a-f]+)"
    r" attempt=(\d+)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a script brings."""

    package: str
    """SHA-256 of the agent's zip."""
    identity: str
    """Hash of who the node is and where it finds its store."""
    keys: str
    """Fingerprint of the keys."""
    attempt: int = 1

    @property
    def restarts(self) -> tuple[str, str]:
        """What makes the agent start anew, and so interrupts its node, if it differs."""
        return self.package, self.identity

    @property
    def wish(self) -> tuple[str, str, str]:
        """What is asked for, whatever the attempt."""
        return self.package, self.identity, self.keys


def script(head: Head, bootstrap: str) -> str:
    """Return the text of a script."""
    if _END in bootstrap:
        raise ValueError("the bootstrap holds the line that ends it")
    mark = (
        f"package={head.package} identity={head.identity} keys={head.keys} attempt={head.attempt}"
    )
    return (
        "#!/bin/sh\n"
        f"# hacluster-agent {mark}\n"
        "set -eu\n"
        f"HACLUSTER_PACKAGE={head.package}\n"
        "export HACLUSTER_PACKAGE\n"
        f"exec python3 -I - <<'{_END}'\n"
        f"{bootstrap.rstrip()}\n"
        f"{_END}\n"
    )


def head_of(text: str) -> Head | None:
    """Return what a script brings, or None where it is not one of ours."""
    found = _HEAD.search(text)
    if found is None:
        return None
    package, identity, keys, attempt = found.groups()
    return Head(package=package, identity=identity, keys=keys, attempt=int(attempt))
