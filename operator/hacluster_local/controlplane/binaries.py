"""Where the control plane's programs are: named by the user, on PATH, or built before.

Order: the folder in `KUBEBUILDER_ASSETS` (as Kubernetes' own test tools call it), PATH, the cache
of an earlier build.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hacluster_local.controlplane import build
from hacluster_local.setup.errors import SetupError

OLDEST_MINOR = 30
"""Kubernetes 1.30 is the oldest with all the validation rules that the CRD is written in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The three programs, and in a few words where they come from."""

    kube_apiserver: Path
    etcd: Path
    kubectl: Path
    source: str


def find() -> Binaries | None:
    """Return the programs if they are on this machine.

    Raises:
        SetupError: `KUBEBUILDER_ASSETS` is set but does not hold usable ones.
    """
    return _named_by_user() or _on_path() or _built()


def find_or_build() -> Binaries:
    """Return the programs; build them, which takes minutes, if they are nowhere."""
    found = find()
    if found is not None:
        return found
    build.binaries()
    built = _built()
    if built is None:
        raise SetupError(f"The build left no complete control plane in {build.folder()}.")
    return built


def _named_by_user() -> Binaries | None:
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if not named:
        return None
    found = _in_folder(Path(named), "KUBEBUILDER_ASSETS")
    if found is None:
        raise SetupError(
            f"KUBEBUILDER_ASSETS is {named}, which holds no kube-apiserver and etcd. "
            "Unset it to have them built."
        )
    if not _is_recent(found.kube_apiserver):
        raise SetupError(
            f"The kube-apiserver in {named} (KUBEBUILDER_ASSETS) is older than 1.{OLDEST_MINOR}. "
            "Name a newer one, or unset the variable to have one built."
        )
    return found


def _on_path() -> Binaries | None:
    apiserver = shutil.which("kube-apiserver")
    if apiserver is None or not _is_recent(Path(apiserver)):
        return None
    return _in_folder(Path(apiserver).parent, "PATH")


def _built() -> Binaries | None:
    return _in_folder(build.folder(), "an earlier build")


def _in_folder(folder: Path, source: str) -> Binaries | None:
    apiserver, etcd = folder / "kube-apiserver", folder / "etcd"
    beside = folder / "kubectl"
    kubectl = str(beside) if beside.is_file() else shutil.which("kubectl")
    if not (apiserver.is_file() and etcd.is_file() and kubectl):
        return None
    return Binaries(kube_apiserver=apiserver, etcd=etcd, kubectl=Path(kubectl), source=source)


def _is_recent(apiserver: Path) -> bool:
    answer = subprocess.run(  # noqa: S603 - the program the user pointed at
        [apiserver, "--version"], capture_output=True, text=True, check=False, timeout=20
    )
    version = re.search(r"v1\.(\d+)", answer.stdout)
    return version is not None and int(version[1]) >= OLDEST_MINOR
