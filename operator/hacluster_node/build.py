"""Makes the one file that ships: a zip that Python runs, the same bytes for the same sources.

    python -m hacluster_node.build OUTPUT

It holds `hacluster_node` and `hacluster_wire` and needs Python 3.9 and nothing else.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

SHEBANG = b"#!/usr/bin/env python3\n"
MAIN = "import sys\n\nfrom hacluster_node.__main__ import main\n\nsys.exit(main())\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say: builds must not differ by date


def build(target: Path) -> str:
    """Write the agent's zip to `target` and return its SHA-256."""
    sources = Path(__file__).resolve().parent.parent
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "__main__.py", MAIN.encode())
            for package in ("hacluster_node", "hacluster_wire"):
                for path in sorted((sources / package).rglob("*.py")):
                    _add(archive, path.relative_to(sources).as_posix(), path.read_bytes())
    target.chmod(0o755)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))  # noqa: T201 - the build's output
