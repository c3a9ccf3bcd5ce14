"""Packages, files and commands: what is right is left alone, what drifts is put back."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from hacluster_node.errors import Broken
from hacluster_node.helper.software import Place
from hacluster_node.settings.software import Action, File, Software
from hacluster_node.system.command import Command, Outcome, run

if TYPE_CHECKING:
    from pathlib import Path

UNIT = File("/etc/systemd/system/app.service", 0o644, "root", "[Service]\nExecStart=/bin/true\n")


class Programs:
    """Runs shell lines for real, and notes everything else."""

    def __init__(self, *installed: str) -> None:
        self.installed = set(installed)
        self.ran: list[str] = []
        self.refuse = ""

    def __call__(self, command: Command) -> Outcome:
        words = list(command.argv)
        if words[0] == "/bin/sh":
            return run(command)
        line = " ".join(words)
        self.ran.append(line)
        if self.refuse and self.refuse in line:
            return Outcome(100, "no such package")
        if "install" in words:
            self.installed.update(words[words.index("install") + 1 :])
        if words[0] == "dpkg-query":
            return Outcome(0, "installed" if words[-1] in self.installed else "")
        return Outcome(0, "") if words[0] != "rpm" else Outcome(words[-1] not in self.installed, "")


@pytest.fixture(autouse=True)
def debian(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"apt-get", "dpkg-query"}
    monkeypatch.setattr("shutil.which", lambda name: name if name in there else None)


def test_a_file_is_put_in_place_once_and_again_when_it_drifts(tmp_path: Path) -> None:
    programs = Programs()
    place, wanted = Place(tmp_path, programs), Software(files=(UNIT,))
    path = tmp_path / "etc/systemd/system/app.service"
    assert place.put(wanted) == ["file /etc/systemd/system/app.service"]
    assert path.read_text() == UNIT.content
    assert programs.ran == ["systemctl daemon-reload"]
    assert place.put(wanted) == []
    for drift in (lambda: path.write_text("other"), lambda: path.chmod(0o600), path.unlink):
        drift()
        assert place.put(wanted) == ["file /etc/systemd/system/app.service"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert path.read_text() == UNIT.content
    assert [one.name for one in path.parent.iterdir()] == ["app.service"]


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    place, path = Place(tmp_path, Programs()), tmp_path / "etc/one"
    path.parent.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path.symlink_to(victim)
    place.put(Software(files=(File("/etc/one", 0o600, "root", "new"),)))
    assert (victim.read_text(), path.read_text(), path.is_symlink()) == ("mine", "new", False)


def test_only_missing_packages_are_installed(tmp_path: Path) -> None:
    programs = Programs("curl")
    place = Place(tmp_path, programs)
    assert place.put(Software(packages=("curl", "nginx"))) == ["package nginx"]
    assert [line for line in programs.ran if line.endswith("install nginx")]
    programs.ran.clear()
    assert place.put(Software(packages=("curl", "nginx"))) == []
    assert not [line for line in programs.ran if "apt-get" in line]


def test_a_package_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    programs = Programs()
    programs.refuse = "install"
    with pytest.raises(Broken, match="install nginx ended with 100: no such package"):
        Place(tmp_path, programs).put(Software(packages=("nginx",)))


def test_a_command_is_run_where_its_check_fails(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    wanted = Software(commands=(Action(f"touch {mark}", f"test -e {mark}"),))
    place = Place(tmp_path, Programs())
    assert place.put(wanted) == [f"command touch {mark}"]
    assert place.put(wanted) == []


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (Action("echo out of luck; exit 3", "false"), "ended with 3: out of luck"),
        (Action("true", "false"), "its check still fails"),
    ],
    ids=["fails", "does not help"],
)
def test_a_command_that_does_not_help_is_told(tmp_path: Path, action: Action, why: str) -> None:
    with pytest.raises(Broken, match=why):
        Place(tmp_path, Programs()).put(Software(commands=(action,)))


def test_a_file_of_nobody_is_told(tmp_path: Path) -> None:
    file = File("/etc/one", 0o600, "no-such-user", "")
    with pytest.raises(Broken, match="there is no user no-such-user"):
        Place(tmp_path, Programs()).put(Software(files=(file,)))
