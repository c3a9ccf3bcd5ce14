"""Scripts of the spec, as files on the nodes: the agent runs files, never text.

A file is named by its content, so that a changed script is another file and the running one stays
whole. The folder is root's: the agent, which talks to the network, cannot write there.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

FOLDER: Final = "/etc/hacluster/scripts"
MODE: Final = "0700"


@dataclass
class Scripts:
    """Collects the scripts of one configuration."""

    _texts: dict[str, str] = field(default_factory=dict)

    def path(self, name: str, text: str) -> str:
        """Return where a script will be; ``name`` is for people."""
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        place = f"{FOLDER}/{name}-{digest}"
        self._texts[place] = text if text.endswith("\n") else f"{text}\n"
        return place

    def files(self) -> Iterable[dict[str, Any]]:
        """Yield the files, in the order of their paths."""
        for place, text in sorted(self._texts.items()):
            yield {"path": place, "mode": MODE, "owner": "root", "content": text}
