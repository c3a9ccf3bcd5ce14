"""Where prerequisites are looked for, and what is said when one is missing."""

import sys
from pathlib import Path

import pytest

from hacluster_local.controlplane import binaries, build
from hacluster_local.setup import cache, clients, debian, packages, python
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.errors import SetupError, ToolMissingError
from hacluster_local.setup.progress import step
from hacluster_local.store import install


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a machine on which nothing is installed; return its PATH's only folder."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("HACLUSTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return path


def program(folder: Path, name: str, says: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!{sys.executable}\nprint({says!r})\n")
    file.chmod(0o755)
    return file


def control_plane(folder: Path, version: str = "Kubernetes v1.33.13") -> Path:
    program(folder, "kube-apiserver", version)
    for name in ("etcd", "kubectl"):
        program(folder, name)
    return folder


def found() -> tuple[Path, str]:
    programs = binaries.find()
    assert programs is not None
    return programs.kube_apiserver.parent, programs.source


def test_on_a_bare_machine_nothing_is_found() -> None:
    assert binaries.find() is None
    assert install.find() is None


def test_what_the_user_names_comes_before_path_and_path_before_a_build(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control_plane(build.folder())
    assert found() == (build.folder(), "an earlier build")
    control_plane(bare_machine)
    assert found() == (bare_machine, "PATH")
    named = control_plane(tmp_path / "named")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(named))
    assert found() == (named, "KUBEBUILDER_ASSETS")


def test_a_server_on_path_that_is_too_old_is_passed_over(bare_machine: Path) -> None:
    control_plane(bare_machine, "Kubernetes v1.29.4")
    assert binaries.find() is None


@pytest.mark.parametrize(
    ("version", "complaint"),
    [
        pytest.param(None, "holds no kube-apiserver", id="empty"),
        pytest.param("Kubernetes v1.29.4", r"older than 1\.30", id="old"),
    ],
)
def test_a_useless_folder_that_the_user_names_is_an_error(
    version: str | None, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if version:
        control_plane(tmp_path / "named", version)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "named"))
    with pytest.raises(SetupError, match=complaint):
        binaries.find()


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [pytest.param("v20.1.0", True, id="20"), pytest.param("v18.19.0", False, id="18")],
)
def test_node_must_be_recent(version: str, is_taken: bool, bare_machine: Path) -> None:
    node = program(bare_machine, "node", version)
    program(bare_machine, "npm")
    script = cache.place(install.KIND, install.key()) / install.PROGRAM
    script.parent.mkdir(parents=True)
    script.touch()
    azurite = install.find()
    assert (azurite.node if azurite else None) == (node if is_taken else None)


def test_missing_debian_packages_are_known_by_their_programs(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "SEARCH", str(bare_machine))
    assert debian.missing() == [each.name for each in debian.PACKAGES]
    program(bare_machine, "nft")
    assert "nftables" not in debian.missing()


def test_who_is_not_root_is_told_what_is_left_out_and_goes_on(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "SEARCH", str(bare_machine))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    debian.ensure()
    assert "only root on Debian gets it" in capsys.readouterr().err


def a_client(lock: Path) -> clients.Client:
    lock.write_text("one==1")
    return clients.Client(name="one", program="one", lock=lock, usually="")


def test_a_client_is_there_only_as_its_lock_file_wants_it(tmp_path: Path) -> None:
    client = a_client(tmp_path / "one.lock")
    made = program(cache.place(client.name, client.key) / "bin", client.program)
    assert clients.find(client) == made
    client.lock.write_text("one==2")
    assert clients.find(client) is None


def test_a_client_that_cannot_be_had_is_named_and_the_others_are_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = []

    def environment(folder: Path, lock: Path, current: object) -> None:
        tried.append(lock)
        if lock == clients.AZ.lock:
            raise SetupError("no way to the registry")
        program(folder / "bin", clients.ANSIBLE.program)

    monkeypatch.setattr(packages, "environment", environment)
    clients.ensure()
    assert tried == [clients.AZ.lock, clients.ANSIBLE.lock]
    assert clients.find(clients.AZ) is None
    assert clients.find(clients.ANSIBLE) is not None
    said = capsys.readouterr().err
    assert "no way to the registry" in said
    assert "Going on without az" in said


def test_who_has_no_venv_module_and_is_not_root_is_told_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ToolMissingError, match="apt-get install python3-venv"):
        python.add_venv_module()


def test_a_missing_tool_is_named_with_the_command_that_installs_it() -> None:
    error = ToolMissingError("make", "everything", "apt-get install make")
    assert "make is missing; everything needs it" in str(error)
    assert "\n    apt-get install make\n" in str(error)


def test_the_virtual_environment_is_ready_only_with_its_own_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter, stamp, lock = tmp_path / "python", tmp_path / "stamp", tmp_path / "lock"
    lock.write_text("one==1")
    monkeypatch.setattr(python, "PYTHON", interpreter)
    monkeypatch.setattr(python, "STAMP", stamp)
    monkeypatch.setattr(python, "LOCK", lock)
    assert not python.is_ready()
    interpreter.touch()
    stamp.write_text(python.wanted())
    assert python.is_ready()
    lock.write_text("one==2")
    assert not python.is_ready()


def surroundings(tmp_path: Path, tries: int) -> Surroundings:
    return Surroundings(log=tmp_path / "x.log", directory=tmp_path, environment={}, tries=tries)


def test_an_installer_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hacluster_local.setup.command.PAUSE_BETWEEN_TRIES_S", 0)
    script = "import pathlib; n = len(list(pathlib.Path().glob('try*'))); "
    script += "pathlib.Path(f'try{n}').touch(); raise SystemExit(n < 1)"
    with step("Try") as current:
        run([sys.executable, "-c", script], surroundings(tmp_path, 3), current)
    assert len(list(tmp_path.glob("try*"))) == 2


def test_an_installer_that_fails_is_told_with_the_end_of_its_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "print('no space left'); raise SystemExit(3)"
    with (
        pytest.raises(SetupError, match=r"(?s)code 3 in try 1 of 1.*no space left"),
        step("Try") as s,
    ):
        run([sys.executable, "-c", script], surroundings(tmp_path, 1), s)
    assert "Try: failed in" in capsys.readouterr().err


def test_installers_try_downloads_more_than_once() -> None:
    assert packages.surroundings().tries > 1
