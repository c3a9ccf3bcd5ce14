"""What the platform puts on a machine's disk, and the command line that starts one."""

import json
import stat
from pathlib import Path

import pytest
from tests.unit.azuresim.machines.values import NODE, node

from azuresim.machines import dress, launch, places

AUTHORITY = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Upper folder, base, and an authority's file."""
    base = tmp_path / "base"
    bundle = base / dress.BUNDLE
    bundle.parent.mkdir(parents=True)
    bundle.write_text("theirs\n")
    authority = tmp_path / "ca.pem"
    authority.write_text(AUTHORITY)
    return tmp_path / "upper", base, authority


def test_every_unit_that_is_wanted_is_there_and_starts_a_program_that_is(
    tree: tuple[Path, Path, Path],
) -> None:
    upper, base, authority = tree
    dress.dress(upper, base, NODE, authority)
    links = list((upper / "etc/systemd/system").glob("*.wants/*"))
    assert len(links) == len(dress.UNITS)
    for link in links:
        unit = upper / str(link.readlink()).lstrip("/")
        (start,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
        assert (upper / start.split()[-1].lstrip("/")).is_file()


def test_a_machine_trusts_the_simulated_azure_beside_all_others(
    tree: tuple[Path, Path, Path],
) -> None:
    upper, base, authority = tree
    for _ in range(2):
        dress.dress(upper, base, NODE, authority)
    assert (upper / dress.BUNDLE).read_text() == "theirs\n" + AUTHORITY


def test_what_the_guest_wrote_besides_is_kept(tree: tuple[Path, Path, Path]) -> None:
    upper, base, authority = tree
    dress.dress(upper, base, NODE, authority)
    own = upper / "etc/systemd/system/app.service"
    own.write_text("theirs")
    dress.dress(upper, base, node(name="renamed"), authority)
    assert own.read_text() == "theirs"
    assert (upper / "etc/hostname").read_text() == "renamed\n"


def test_who_a_machine_is_is_readable_by_root_alone(tmp_path: Path) -> None:
    place = places.machine(tmp_path, NODE.id)
    dress.tell(place, node(custom_data="c2VjcmV0"))
    told = place.platform / "machine.json"
    assert json.loads(told.read_text())["custom_data"] == "c2VjcmV0"
    assert stat.S_IMODE(told.stat().st_mode) == 0o600


def test_the_command_line_carries_no_custom_data_and_no_keys(tmp_path: Path) -> None:
    how = launch.Launch(
        machine=node(custom_data="c2VjcmV0"),
        place=places.machine(tmp_path, NODE.id),
        base=tmp_path / "base",
        disk=places.disk(tmp_path, NODE.disks[0].id),
        temporary=tmp_path / "temporary",
        namespace="az0000-vm-node-1",
        tasks=(),
    )
    line = " ".join(launch.command(how))
    assert "c2VjcmV0" not in line
    assert "AAAA" not in line


@pytest.mark.parametrize("path", ["/a,b", "/a:b", "/a\\b", "/a\nb"])
def test_a_path_that_mount_would_misread_is_refused(path: str) -> None:
    assert launch.forbidden(Path(path))
    assert not launch.forbidden(Path("/home/some one/.local"))


def test_machines_and_disks_of_one_id_have_one_place_whatever_its_letter_case(
    tmp_path: Path,
) -> None:
    assert places.machine(tmp_path, NODE.id) == places.machine(tmp_path, NODE.id.upper())
    assert places.disk(tmp_path, NODE.id) == places.disk(tmp_path, NODE.id.upper())
