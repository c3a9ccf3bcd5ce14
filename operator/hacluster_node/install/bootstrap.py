"""Brings the agent to a machine that has nothing of ours yet: run by Run Command, as root.

The operator sends this very file as the script; so it stands alone and uses nothing but the
standard library of Python 3.9. Parameters come by the environment, secrets among them, and are in
no argument and no output:

| variable | holds |
|---|---|
| HACLUSTER_PACKAGE | SHA-256 of the agent's zip: the blob `agent/<it>.pyz` |
| HACLUSTER_NODE_FILE | the text of /etc/hacluster/node.json |
| HACLUSTER_CA | further authorities to trust (PEM); may be empty |

It may be run any number of times. What is in place already is left alone. The services are started
anew only if the agent's program or the node's identity is another one, for that interrupts the
node: new keys, a new SAS and a new token are taken up by the running agent itself.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

GIVE_UP_S = 420.0
"""A new machine's identity and its rights take minutes to be known everywhere."""
PAUSE_S = 5.0
REQUEST_S = 30.0
SETTLE_S = 2.0
"""A service that cannot run has ended by then."""
SETTLED_WITHIN_S = 60.0
"""A machine that has only just booted is slow."""
LOOK_S = 0.25
SERVICES = ("hacluster-guard.service", "hacluster-node.service")
METADATA = "http://169.254.169.254"
AUDIENCE = "https://storage.azure.com/"
API_VERSION = "2021-12-02"


class FailedError(Exception):
    """It cannot go on; the text is for the administrator and holds no secret."""


class Bootstrap:
    """One installation.

    Args:
        environment: the parameters.
        root: below which files are written; services are only touched at `/`.
    """

    def __init__(self, environment: Mapping[str, str], root: Path = Path("/")) -> None:
        self._package = environment["HACLUSTER_PACKAGE"]
        self._text = environment["HACLUSTER_NODE_FILE"]
        self._ca = environment.get("HACLUSTER_CA", "")
        self._node: Dict[str, Any] = json.loads(self._text)
        self._root = root
        self._folder = root / "etc/hacluster"
        self._programs = root / "usr/lib/hacluster-node"

    def run(self) -> str:
        """Do it and return what was done, in a line.

        Raises:
            FailedError: with what to do.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        if self._ca:
            write(self._folder / "ca.pem", self._ca, 0o644)
        is_new = self._installed() != self._package[:16]
        archive = self._archive() if is_new else None
        write(self._folder / "node.json", self._text, 0o640)
        if archive is not None:
            self._install(archive)
        if self._root == Path("/"):
            self._serve()
        did = "installed" if is_new else "kept"
        return f"{did} agent {self._package[:16]} on {self._node['node']}"

    def _installed(self) -> str:
        link = self._programs / "current"
        return link.resolve().name if link.is_symlink() and link.is_dir() else ""

    def _archive(self) -> Path:
        """Return the agent's zip, its hash checked."""
        content = patient(self._download)
        found = hashlib.sha256(content).hexdigest()
        if found != self._package:
            raise FailedError(
                f"the package in the store has the hash {found}, not {self._package}: somebody has "
                "changed the blob; delete it, and the operator puts it there again"
            )
        archive = self._programs / f"{self._package}.pyz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        draft = archive.with_name(f".{archive.name}.new")
        draft.write_bytes(content)
        draft.replace(archive)
        return archive

    def _download(self) -> bytes:
        store = self._node["store"]
        url = f"{store['container']}/agent/{self._package}.pyz"
        headers = {"x-ms-version": API_VERSION}
        if store["access"] == "SAS":
            url = f"{url}?{store['sas']}"
        else:
            headers["Authorization"] = f"Bearer {self._token()}"
        context = ssl.create_default_context()
        if self._ca:
            context.load_verify_locations(cadata=self._ca)
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - from our own file
        with urllib.request.urlopen(request, timeout=REQUEST_S, context=context) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content

    def _token(self) -> str:
        store = self._node["store"]
        query = {"api-version": "2018-02-01", "resource": store.get("storageAudience", AUDIENCE)}
        if store.get("clientId"):
            query["client_id"] = store["clientId"]
        base = store.get("metadata", METADATA)
        url = f"{base}/metadata/identity/oauth2/token?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Metadata": "true"})  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=REQUEST_S) as answer:
            return str(json.load(answer)["access_token"])

    def _install(self, archive: Path) -> None:
        words = [sys.executable, "-I", str(archive), "install"]
        if self._root != Path("/"):
            words += ["--root", str(self._root)]
        call(words)
        archive.unlink()

    def _serve(self) -> None:
        """Have the services run, and run what is installed now; a note tells what they run."""
        note, runs = self._programs / "runs", f"{self._package} {identity(self._node)}"
        is_same = note.is_file() and note.read_text(encoding="ascii") == runs
        call(["systemctl", "enable", *SERVICES])
        call(["systemctl", "start" if is_same else "restart", *SERVICES])
        for service in SERVICES:
            settle(service)
        write(note, runs, 0o644)


def identity(node: Mapping[str, Any]) -> str:
    """Return a hash of what a running agent cannot take up of its file: all but the secrets."""
    kept = {name: value for name, value in node.items() if name != "keys"}
    for part, secret in (("store", "sas"), ("kubernetes", "token")):
        if part in kept:
            kept[part] = {name: value for name, value in kept[part].items() if name != secret}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def write(path: Path, text: str, mode: int) -> None:
    """Replace a file so that nobody ever sees half of it, nor anybody else a secret in it."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(str(draft), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    own(draft)
    draft.chmod(mode)
    draft.replace(path)


def own(path: Path) -> None:
    """Let the agent's group read a file, once there is one."""
    try:
        group = grp.getgrnam("hacluster").gr_gid
    except KeyError:
        return
    if os.geteuid() == 0:
        os.chown(str(path), 0, group)


def patient(ask: Any) -> bytes:
    """Ask until there is an answer or the time is over.

    Raises:
        FailedError: with the last refusal.
    """
    end = time.monotonic() + GIVE_UP_S
    while True:
        try:
            found: bytes = ask()
        except urllib.error.HTTPError as error:
            why = f"{place(error.url)} answered {error.code}"
        except (OSError, ValueError, KeyError) as error:
            why = str(getattr(error, "reason", error))
        else:
            return found
        if time.monotonic() >= end:
            raise FailedError(f"the agent could not be fetched in {GIVE_UP_S:g} s: {why}")
        time.sleep(PAUSE_S)


def settle(service: str) -> None:
    """Wait until a service has run for `SETTLE_S` on end.

    Raises:
        FailedError: it has not within `SETTLED_WITHIN_S`; with the last it wrote.
    """
    end = time.monotonic() + SETTLED_WITHIN_S
    since, process = time.monotonic(), ""
    while True:
        state, now = state_of(service)
        if state != "active" or now != process:
            since, process = time.monotonic(), now
        elif time.monotonic() - since >= SETTLE_S:
            return
        if time.monotonic() >= end:
            raise FailedError(
                f"{service} does not keep running ({state}); it wrote last: {last_words(service)}"
            )
        time.sleep(LOOK_S)


def state_of(service: str) -> Tuple[str, str]:
    """Return what systemd says of a service, and the number of its process."""
    words = ["systemctl", "show", "--property", "ActiveState,MainPID", service]
    said = dict(line.split("=", 1) for line in call(words).splitlines() if "=" in line)
    return said.get("ActiveState", ""), said.get("MainPID", "")


def last_words(service: str) -> str:
    """Return the end of a service's journal."""
    try:
        said = call(["journalctl", "--unit", service, "--lines", "5", "--output", "cat"])
    except FailedError as error:
        said = str(error)
    return said.strip()[-1000:]


def place(url: Optional[str]) -> str:
    """Return an address without its query, which may hold a signature."""
    return urllib.parse.urlunsplit((*urllib.parse.urlsplit(url or "")[:3], "", ""))


def call(words: List[str]) -> str:
    """Run a program and return what it said.

    Raises:
        FailedError: it did not succeed; with the end of what it said.
    """
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        raise FailedError(f"{' '.join(words)} ended with {done.returncode}: {said[-1500:]}")
    return said


def main() -> int:
    """Run it with the environment's parameters; the exit code is 0 or 1."""
    parameters = dict(os.environ)
    os.environ.pop("HACLUSTER_NODE_FILE", None)  # Nothing that is started here is to have it.
    try:
        print(Bootstrap(parameters).run())  # noqa: T201 - what Run Command shows
    except FailedError as error:
        print(f"hacluster: {error}", file=sys.stderr)  # noqa: T201 - what Run Command shows
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
