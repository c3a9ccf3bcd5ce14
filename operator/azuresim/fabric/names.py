"""What the kernel's things of one simulator are called, so that whoever comes later finds them.

Every name starts with `az` and four digits made from the simulator's directory.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from azuresim import ids

UPLINK: Final = "internet"
"""Interface of a fabric namespace that leads into the internet namespace."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one simulator's things.

    Attributes:
        prefix: How all of them start.
    """

    prefix: str

    @classmethod
    def of(cls, directory: Path) -> "Names":
        """Return the names of the simulator that lives in a directory."""
        return cls("az" + _digest(str(directory.resolve()), 4))

    @property
    def internet(self) -> str:
        """Namespace of the internet."""
        return f"{self.prefix}-internet"

    def network(self, network_id: str) -> str:
        """Return the fabric namespace of a virtual network."""
        return self._namespace("net", network_id)

    def client(self, network_id: str) -> str:
        """Return the namespace of the client machine of a virtual network."""
        return self._namespace("client", network_id)

    def machine(self, machine_id: str) -> str:
        """Return the namespace of a machine."""
        return self._namespace("vm", machine_id)

    def device(self, resource_id: str) -> str:
        """Return the fabric's end of the cable of an interface, or of a network's uplink."""
        return f"{self.prefix}d{_digest(ids.key(resource_id), 8)}"

    def owns(self, namespace: str) -> bool:
        """Whether a namespace is one of this simulator's."""
        return namespace.startswith(f"{self.prefix}-")

    def is_machine(self, namespace: str) -> bool:
        """Whether a namespace is that of one of this simulator's machines."""
        return namespace.startswith(f"{self.prefix}-vm-")

    def _namespace(self, kind: str, resource_id: str) -> str:
        key = ids.key(resource_id)
        readable = re.sub(r"[^a-z0-9-]+", "-", ids.name_of(key))[:24].strip("-")
        return f"{self.prefix}-{kind}-{readable}-{_digest(key, 6)}"


def mac_address(seed: str) -> str:
    """Return a hardware address of the locally administered kind, always the same for a seed."""
    digits = _digest(seed, 10)
    return "02:" + ":".join(digits[at : at + 2] for at in range(0, 10, 2))


def chain(kind: str, seed: str) -> str:
    """Return the name of a chain."""
    return f"{kind}_{_digest(seed, 10)}"


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
