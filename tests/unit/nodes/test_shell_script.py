"""The script for Linux, really run by a shell: it puts in place what is asked for, and no more."""

import grp
import os
import pwd
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hacluster.plan.nodes import shell
from hacluster.plan.nodes.pieces import FileWanted, Parameter, Pieces, encoded
from hacluster.plan.nodes.preparation import changed

pytestmark = pytest.mark.timeout(280)
ME = pwd.getpwuid(os.getuid()).pw_name
MANAGER = """#!/bin/sh
case $* in *install*) ;; *) exit 0 ;; esac
while [ $# -gt 0 ]; do case $1 in install) shift; break ;; esac; shift; done
for name in "$@"; do echo "${name%%=*}" >>"$PACKAGES"; done
"""
QUERY = """#!/bin/sh
for name in "$@"; do :; done
grep -qx "$name" "$PACKAGES" && echo installed
"""


class Machine:
    """A folder that files go into, and a package manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.packages = root / "packages"
        self.packages.touch()
        self.put("apt-get", MANAGER)
        self.put("dpkg-query", QUERY)

    def put(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(self, pieces: Pieces, **secrets: bytes) -> subprocess.CompletedProcess[str]:
        own = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PACKAGES": str(self.packages),
            "TMPDIR": str(self.root),
        }
        held = {name: b64encode(value).decode() for name, value in secrets.items()}
        path = self.root / "script.sh"
        path.write_bytes(shell.script("# head", pieces).encode())
        return subprocess.run(
            ["/bin/sh", str(path)],
            env=own | held,
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.root,
            timeout=120,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    yield Machine(tmp_path)
    assert not list(tmp_path.glob("tmp.*")), "it leaves nothing behind"


def file(path: Path | str, content: str = "", mode: int = 0o644) -> FileWanted:
    return FileWanted(path=str(path), mode=mode, owner=ME, content=encoded(content))


def test_all_is_put_in_place_once_and_what_drifts_is_put_back(machine: Machine) -> None:
    place = machine.root / "etc" / "app.conf"
    pieces = Pieces(
        packages=("nginx", "curl=7.1"),
        files=(file(place, "port = 1\n", 0o640),),
        commands=((f"echo ready > {machine.root}/ready", f"test -f {machine.root}/ready"),),
    )
    first = machine.run(pieces)
    assert first.returncode == 0, first.stderr
    assert changed(first.stdout) == (
        "package nginx",
        "package curl=7.1",
        f"file {place}",
        "command 1",
    )
    assert place.read_text() == "port = 1\n"
    assert place.stat().st_mode & 0o7777 == 0o640
    inode = place.stat().st_ino
    again = machine.run(pieces)
    assert (again.returncode, again.stdout) == (0, "hacluster: in place\n")
    assert place.stat().st_ino == inode
    place.chmod(0o666)
    (machine.root / "ready").unlink()
    machine.packages.write_text("nginx\n")
    repaired = machine.run(pieces)
    assert changed(repaired.stdout) == ("package curl=7.1", f"file {place}", "command 1")
    assert place.stat().st_mode & 0o7777 == 0o640


def test_a_secret_reaches_its_file_and_nothing_else(machine: Machine) -> None:
    place, seen = machine.root / "key", machine.root / "seen"
    secret = b"p\xff'ss\n\n$(word)"
    wanted = FileWanted(
        path=str(place), mode=0o600, owner=ME, content=Parameter("HACLUSTER_FILE_1")
    )
    pieces = Pieces(files=(wanted,), commands=((f"env > {seen}", f"test -f {seen}"),))
    done = machine.run(pieces, HACLUSTER_FILE_1=secret)
    assert done.returncode == 0, done.stderr
    assert place.read_bytes() == secret
    assert place.stat().st_mode & 0o7777 == 0o600
    assert "HACLUSTER_FILE" not in seen.read_text()
    assert b64encode(secret).decode() not in seen.read_text() + done.stdout + done.stderr
    assert machine.run(pieces).returncode != 0, "without its parameter it does nothing"
    assert place.read_bytes() == secret


def test_links_and_folders_are_not_followed(machine: Machine) -> None:
    target, place = machine.root / "target", machine.root / "link"
    target.write_text("theirs")
    place.symlink_to(target)
    assert machine.run(Pieces(files=(file(place, "ours"),))).returncode == 0
    assert (target.read_text(), place.read_text()) == ("theirs", "ours")
    assert not place.is_symlink()
    folder = machine.root / "folder"
    folder.mkdir()
    refused = machine.run(Pieces(files=(file(folder, "ours"),)))
    assert refused.returncode == 1
    assert f"hacluster: failed file {folder}: it cannot be written" in refused.stderr
    assert list(folder.iterdir()) == []
    assert not list(machine.root.glob(".hacluster.*"))


def test_a_failure_ends_it_and_tells_what_was_done_before(machine: Machine) -> None:
    place = machine.root / "a"
    pieces = Pieces(
        files=(file(place, "x"),),
        commands=(("echo because; exit 7", "false"), (f"touch {machine.root}/late", "false")),
    )
    done = machine.run(pieces)
    assert done.returncode == 1
    assert "hacluster: failed command 1: it ended with 7: because" in done.stderr
    assert changed(done.stdout) == (f"file {place}",)
    assert not (machine.root / "late").exists()


def test_a_command_whose_check_still_fails_has_failed(machine: Machine) -> None:
    done = machine.run(Pieces(commands=(("true", "false"),)))
    assert done.returncode == 1
    assert "the check of command 1 after it has run: it ended with 1" in done.stderr


def test_an_unknown_owner_is_told(machine: Machine) -> None:
    wanted = FileWanted(path="/nowhere/a", mode=0o600, owner="nobody-of-ours", content="")
    done = machine.run(Pieces(files=(wanted,)))
    assert "failed file /nowhere/a: there is no user nobody-of-ours" in done.stderr
    assert not Path("/nowhere").exists()


def test_another_unit_is_read_by_systemd(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of units is not this test's to write, so another one stands for it."""
    units = machine.root / "units"
    monkeypatch.setattr(
        shell, "_PRELUDE", shell._PRELUDE.replace("/etc/systemd/system/*", f"{units}/*")
    )
    machine.put("systemctl", f"#!/bin/sh\necho $* >>{machine.root}/asked\n")
    pieces = Pieces(files=(file(units / "app.service", "[Unit]\n"),))
    assert machine.run(pieces).returncode == 0
    assert machine.run(pieces).returncode == 0
    assert (machine.root / "asked").read_text() == "daemon-reload\n"


def test_a_node_without_a_known_package_manager_is_told(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    for name in ("sh", "mktemp", "tail", "rm", "timeout", "grep"):
        found = shutil.which(name)
        assert found is not None
        (machine.bin / name).symlink_to(found)
    script = shell.script("# head", Pieces(packages=("nginx",)))
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": str(machine.bin), "PACKAGES": str(machine.packages)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "failed packages nginx: no known package manager is there" in done.stderr


HOSTILE = st.one_of(
    st.sampled_from(
        ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '"; touch pwned; "', "-rf", "*"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
NAMES = HOSTILE.map(lambda text: "".join(c for c in text if c > "\x1f" and c != "/")).filter(
    lambda name: name not in {"", ".", ".."} and len(name.encode()) < 200
)


@settings(max_examples=40)
@given(folder=NAMES, name=NAMES, content=HOSTILE, word=HOSTILE)
def test_no_content_name_or_command_becomes_part_of_the_program(
    folder: str, name: str, content: str, word: str
) -> None:
    word = word.replace("\0", "")
    with TemporaryDirectory() as place:
        root = Path(place)
        machine = Machine(root)
        path = root / "files" / folder / name
        said = root / "said"
        quoted = "'" + word.replace("'", "'\\''") + "'"
        pieces = Pieces(
            files=(file(path, content),),
            commands=((f"printf %s {quoted} >'{said}'", f"test -e '{said}'"),),
        )
        done = machine.run(pieces)
        assert done.returncode == 0, done.stderr
        assert path.read_bytes() == content.encode()
        assert said.read_bytes() == word.encode()
        found = {str(one.relative_to(root)) for one in root.rglob("*")}
        ours = {"bin", "bin/apt-get", "bin/dpkg-query", "packages", "script.sh", "said", "files"}
        assert found == ours | {f"files/{folder}", f"files/{folder}/{name}"}
        assert machine.run(pieces).stdout == "hacluster: in place\n"


def test_a_group_of_the_owners_name_owns_the_file_too(machine: Machine) -> None:
    place = machine.root / "a"
    assert machine.run(Pieces(files=(file(place),))).returncode == 0
    names = {one.gr_name: one.gr_gid for one in grp.getgrall()}
    assert place.stat().st_gid == names.get(ME, pwd.getpwnam(ME).pw_gid)
