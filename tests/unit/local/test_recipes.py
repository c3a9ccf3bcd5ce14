"""The lock files: versions told once, every byte pinned, no address of a registry."""

import json
import re
import tomllib
from pathlib import Path

import pytest

import hacluster_local
from hacluster_local.controlplane import build
from hacluster_local.setup.checkout import ROOT, SOURCES

PACKAGE = Path(hacluster_local.__file__).parent
LOCKS = sorted(PACKAGE.glob("*/*.lock"))


def requirements(lock: Path) -> list[str]:
    text = lock.read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def test_the_checkout_is_found_from_the_code() -> None:
    assert PACKAGE.parent == SOURCES
    assert (ROOT / "pyproject.toml").is_file()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_pinned_by_hash(lock: Path) -> None:
    wanted = requirements(lock)
    assert wanted
    for line in wanted:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize(
    "lock",
    [*LOCKS, *sorted(ROOT.glob("*.lock")), build.RECIPE / "go.sum"],
    ids=lambda lock: lock.name,
)
def test_no_lock_file_says_where_to_get_things(lock: Path) -> None:
    assert "://" not in lock.read_text()


def test_what_installs_the_rest_does_not_contradict_it() -> None:
    pins = [
        dict(line.split(maxsplit=1)[0].split("==") for line in requirements(lock))
        for lock in (PACKAGE / "setup" / "bootstrap.lock", ROOT / "requirements-dev.lock")
    ]
    shared = pins[0].keys() & pins[1].keys()
    assert {name: pins[0][name] for name in shared} == {name: pins[1][name] for name in shared}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_dependency_is_locked(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"]
    if "dev" in name:
        wanted = wanted + project["dependency-groups"]["dev"]
    locked = {line.split("==")[0] for line in requirements(ROOT / name)}
    missing = {re.split(r"[^A-Za-z0-9-]", each)[0].lower() for each in wanted} - locked
    assert not missing, f"regenerate {name}"


def test_node_packages_are_pinned_and_name_no_address() -> None:
    lock = json.loads((PACKAGE / "store" / "package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages["node_modules/azurite"]["version"] == "3.35.0"
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_server_is_told_the_version_that_it_is_built_from() -> None:
    version = "k8s.io/component-base/version"
    assert f"-X {version}.gitVersion=v1.33.13" in build.linker_flags()
    assert f"-X {version}.gitMinor=33" in build.linker_flags()


def test_the_libraries_fit_the_server() -> None:
    text = (build.RECIPE / "go.mod").read_text()
    replaced = dict(re.findall(r"^\t(k8s\.io/\S+) => \1 (\S+)$", text, re.MULTILINE))
    assert len(replaced) > 20
    assert set(replaced.values()) == {"v0.33.13"}
