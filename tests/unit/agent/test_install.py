"""The zip that ships: the same bytes each time, and an installation that can be repeated."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

from hacluster_node.build import build
from hacluster_node.install.steps import NODE_DIRECTORY, PROGRAMS, install
from hacluster_node.install.units import AGENT, GUARD

if TYPE_CHECKING:
    from pathlib import Path

CLEAN = {"PATH": os.environ["PATH"]}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", *words], capture_output=True, text=True, check=False, env=CLEAN
    )


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    assert build(tmp_path / "a.pyz") == build(tmp_path / "b.pyz")
    assert (tmp_path / "a.pyz").read_bytes() == (tmp_path / "b.pyz").read_bytes()


def test_the_zip_runs_by_itself(tmp_path: Path) -> None:
    build(tmp_path / "agent.pyz")
    done = run(str(tmp_path / "agent.pyz"), "--help")
    assert done.returncode == 0
    assert "force-activate" in done.stdout


def test_an_installation_runs_and_repeating_it_changes_nothing(tmp_path: Path) -> None:
    archive, root = tmp_path / "agent.pyz", tmp_path / "root"
    build(archive)
    run(str(archive), "install", "--root", str(root))
    done = run(str(archive), "install", "--root", str(root))
    assert done.returncode == 0, done.stderr
    programs = root / "usr/lib/hacluster-node"
    assert sorted(path.name for path in programs.iterdir()) == sorted(
        [done.stdout.strip(), "current"]
    )
    assert run(str(programs / "current"), "status").returncode == 3
    assert list(programs.glob("current/hacluster_node/cli/__pycache__/client.*.pyc"))
    assert (root / "etc/systemd/system/hacluster-node.service").read_text() == AGENT


def test_the_agents_own_user_can_read_what_a_private_installer_has_put_there(
    tmp_path: Path,
) -> None:
    """Run Command's mask is 077: found on a machine where the agent could not start."""
    archive, root = tmp_path / "agent.pyz", tmp_path / "root"
    build(archive)
    before = os.umask(0o077)
    try:
        (root / PROGRAMS).mkdir(parents=True)
        name = install(archive, root)
    finally:
        os.umask(before)
    programs = [root / PROGRAMS, root / PROGRAMS / name, *(root / PROGRAMS / name).rglob("*")]
    closed = [path for path in programs if not path.stat().st_mode & stat.S_IROTH]
    assert closed == []
    assert stat.S_IMODE((root / NODE_DIRECTORY).stat().st_mode) == 0o750


def test_the_agent_has_no_rights_and_the_guard_no_cage(tmp_path: Path) -> None:
    """What the guard starts inherits its locks: a script must be able to mount and to change."""
    for lock in ("User=hacluster", "NoNewPrivileges=yes", "ProtectSystem=strict"):
        assert lock in AGENT
        assert lock not in GUARD
    assert "ExecStopPost=/usr/bin/hacluster-node fence" in GUARD


def test_a_guard_that_starts_anew_leaves_the_agents_socket_to_the_agent() -> None:
    """systemd gives what is in a RuntimeDirectory to root: found on a machine after an upgrade."""
    assert "RuntimeDirectory" not in GUARD
    assert "install -d -m 1770 -o root -g hacluster /run/hacluster" in GUARD
