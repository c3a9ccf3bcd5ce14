"""Does what a machine's custom data says, once, as cloud-init would.

Understood: a script (`#!`), and of `#cloud-config` the modules write_files, runcmd and bootcmd.
What else is asked for is named in the log and left undone. Output: /var/log/cloud-init-output.log.
"""

import base64
import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

MACHINE = Path("/run/azure/machine.json")
FOLDER = Path("/var/lib/cloud/instance")
LOG = Path("/var/log/cloud-init-output.log")
DONE = FOLDER / "boot-finished"
KNOWN = ("bootcmd", "write_files", "runcmd")


def main() -> None:
    """Do it."""
    data = base64.b64decode(json.loads(MACHINE.read_text())["custom_data"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with LOG.open("ab") as log:
        LOG.chmod(0o640)
        if data.startswith(b"#!"):
            run_script(data, log)
        elif data.startswith(b"#cloud-config"):
            configure(data, log)
        else:
            log.write(b"Custom data is neither a script nor #cloud-config: left alone.\n")
    DONE.touch()


def run_script(data: bytes, log: IO[bytes]) -> None:
    """Run a script as root."""
    path = FOLDER / "user-data.sh"
    path.write_bytes(data)
    path.chmod(0o700)
    subprocess.run([str(path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)


def configure(data: bytes, log: IO[bytes]) -> None:
    """Do what a configuration says."""
    import yaml  # not there in every image, and seldom needed

    stated = yaml.safe_load(data) or {}
    for name in sorted(set(stated) - set(KNOWN)):
        log.write(f"Not simulated, left undone: {name}\n".encode())
    log.flush()
    run_all(stated.get("bootcmd", []), log)
    for file in stated.get("write_files", []):
        write(file)
    run_all(stated.get("runcmd", []), log)


def run_all(commands: Sequence[Any], log: IO[bytes]) -> None:
    """Run commands, each a line for a shell or a list of words; one that fails stops none."""
    lines = [each if isinstance(each, str) else shlex.join(map(str, each)) for each in commands]
    if lines:
        run_script(("#!/bin/sh\n" + "\n".join(lines) + "\n").encode(), log)


def write(file: Mapping[str, Any]) -> None:
    """Write one file."""
    path = Path(file["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    content = file.get("content", "")
    coded = file.get("encoding", "") in {"b64", "base64"}
    data = base64.b64decode(content) if coded else content.encode()
    with path.open("ab" if file.get("append") else "wb") as target:
        target.write(data)
    path.chmod(int(str(file.get("permissions", "0644")), 8))
    if "owner" in file:
        owner, _, group = file["owner"].partition(":")
        shutil.chown(path, owner, group or None)


if __name__ == "__main__":
    main()
