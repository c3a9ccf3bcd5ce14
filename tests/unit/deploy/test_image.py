"""What the image is built from: judged by hadolint, and holding only what the operator needs."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_dockerfile_follows_the_rules_of_the_trade() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False, timeout=30
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_installs_every_declared_dependency_by_hash() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = (ROOT / "requirements.lock").read_text()
    assert "--require-hashes" in (ROOT / "Dockerfile").read_text()
    for requirement in declared:
        name = requirement.split(">")[0]
        assert f"\n{name}==" in f"\n{locked}", f"{name} is not locked"


def test_the_image_is_labelled_with_the_version_the_manifests_ask_for() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    deployment = (ROOT / "deploy" / "base" / "deployment.yaml").read_text()
    assert f"image: hacluster-operator:{version}" in deployment


def test_no_lock_file_names_an_address() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text()
