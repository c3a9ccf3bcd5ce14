"""Real machines behind the SDKs: boot, scripts, disks, power, and what a kill leaves."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from azure.core.exceptions import HttpResponseError
from tests.netns.machines.site import GROUP, NODES, PATIENCE_S, SERVE, Site, traces, wait_for

pytestmark = pytest.mark.timeout(400)
ONE, TWO = NODES


@pytest.fixture(autouse=True)
def _both_run(site: Site) -> None:
    """Each test finds both machines running, whatever the one before has done to them."""
    for name in NODES:
        if site.power(name) != "running":
            site.compute.virtual_machines.begin_start(GROUP, name).result()


def serve(site: Site) -> None:
    for name in NODES:
        site.run(name, f"systemctl is-active -q web || {SERVE}")
    wait_for(lambda: site.served_by() == set(NODES), "service by both")


def test_a_machine_is_what_its_body_says(site: Site) -> None:
    looked = site.run(
        ONE,
        "hostname; ip -4 -o addr show eth0 | grep -o '10.5.0.[0-9]*/24'; cat /etc/resolv.conf | "
        "head -1; cat ~azureuser/.ssh/authorized_keys | cut -d' ' -f3; systemctl is-system-running",
    )
    assert looked.split("\n")[:5] == [
        ONE, "10.5.0.120/24", "nameserver 168.63.129.16", "admin", "running",
    ]  # fmt: skip
    wait_for(lambda: site.on(ONE, "cat", "/var/lib/custom").strip() == "configured", "custom data")
    view = site.compute.virtual_machines.instance_view(GROUP, ONE)
    assert view.vm_agent.statuses[0].display_status == "Ready"


def test_a_machine_learns_who_it_is_and_resolves_names(site: Site) -> None:
    about = "http://169.254.169.254/metadata/instance/compute/name?api-version=2021-02-01"
    asked = (
        f"curl -s -H Metadata:true '{about}&format=text'; echo; getent hosts management.azure.com"
    )
    name, found = site.run(ONE, asked).strip().split("\n")
    assert (name, found.split()[-1]) == (ONE, "management.azure.com")


def test_run_command_reports_what_the_script_did(site: Site) -> None:
    given = [{"name": "WHO", "value": "me"}, {"name": "", "value": "first"}]
    secret = [{"name": "SECRET", "value": "hidden-away"}]
    view = site.managed(
        ONE,
        "head -c 6000 /dev/zero | tr '\\0' x; echo $WHO $1 ${#SECRET}; ps ax -o args; exit 3",
        called="reports",
        parameters=given,
        protectedParameters=secret,
    )
    assert (view.execution_state, view.exit_code) == ("Failed", 3)
    assert len(view.output) == 4096
    assert "me first 11\n" in view.output
    assert "hidden-away" not in view.output
    kept = site.sim.directory.rglob("*")
    texts = [path for path in kept if path.is_file() and path.stat().st_size < 1 << 20]
    assert not [path for path in texts if b"hidden-away" in path.read_bytes()]


def test_the_same_script_under_the_same_name_is_run_once(site: Site) -> None:
    for script, lines in (("echo x >>/root/runs", 1), ("echo x >>/root/runs # again", 2)):
        for _ in range(2):
            site.managed(ONE, script, called="once")
            assert site.run(ONE, "wc -l </root/runs").strip() == str(lines)


def test_a_script_that_takes_too_long_is_killed(site: Site) -> None:
    view = site.managed(ONE, "exec sleep 1234", called="slow", timeoutInSeconds=2)
    assert view.execution_state == "TimedOut"
    wait_for(lambda: "1234" not in site.on(ONE, "ps", "ax", "-o", "args"), "the script's end")


def test_a_script_runs_as_the_user_it_is_to_run_as(site: Site) -> None:
    view = site.managed(ONE, "id -un; pwd; echo $HOME", called="user", runAsUser="azureuser")
    assert view.output.split() == ["azureuser", "/", "/home/azureuser"]


def test_a_data_disk_has_the_names_that_azure_gives_it(site: Site) -> None:
    disk = "/dev/disk/azure/scsi1/lun0"
    made = site.run(
        ONE,
        f"set -e; blockdev --getsize64 {disk}; printf 'label: gpt\\n,1G\\n,\\n' | sfdisk -q {disk};"
        f"for i in $(seq 100); do [ -e {disk}-part2 ] && break; sleep 0.1; done;"
        f"mkfs.ext4 -q {disk}-part2; mount {disk}-part2 /srv; echo kept >/srv/file; umount /srv;"
        "echo done",
    )
    assert made.split() == [str(20 << 30), "done"]
    site.compute.virtual_machines.begin_restart(GROUP, ONE).result()
    again = f"mount {disk}-part2 /srv && cat /srv/file; umount /srv"
    assert site.run(ONE, again).strip() == "kept"


def test_a_disk_comes_and_goes_while_its_machine_runs(site: Site) -> None:
    before = site.boot_id(TWO)
    body = site.compute.virtual_machines.get(GROUP, TWO)
    stated = {
        "lun": 5, "name": "more", "createOption": "Empty", "diskSizeGB": 4,
        "deleteOption": "Delete",
    }  # fmt: skip
    first = body.storage_profile.data_disks[0].as_dict()
    for disks, links in (([first, stated], {"lun0", "lun5"}), ([first], {"lun0"})):
        storage = {"storageProfile": {"dataDisks": disks}}
        site.compute.virtual_machines.begin_update(GROUP, TWO, {"properties": storage}).result()
        wait_for(partial(_has_links, site, links), "the disk's name")
    assert site.boot_id(TWO) == before
    content = site.sim.directory / "disks"
    count = len(list(content.iterdir()))
    site.compute.disks.begin_delete(GROUP, "more").result()
    wait_for(lambda: len(list(content.iterdir())) == count - 1, "the end of its content")


def _has_links(site: Site, wanted: set[str]) -> bool:
    return set(site.on(TWO, "ls", "/dev/disk/azure/scsi1").split()) == wanted


def test_machines_serve_through_the_balancer_until_their_power_goes(site: Site) -> None:
    serve(site)
    site.compute.virtual_machines.begin_power_off(GROUP, ONE).result()
    assert site.power(ONE) == "stopped"
    wait_for(lambda: site.served_by() == {TWO}, "service by the other alone")
    with pytest.raises(HttpResponseError, match="not running"):
        site.run(ONE, "true")


def test_deallocation_loses_the_temporary_disk_and_nothing_else(site: Site) -> None:
    site.run(ONE, "echo t >/mnt/temporary; echo o >/root/own")
    boot = site.boot_id(ONE)
    machines = site.compute.virtual_machines
    for off, left in ((machines.begin_power_off, "t o"), (machines.begin_deallocate, "o")):
        off(GROUP, ONE).result()
        machines.begin_start(GROUP, ONE).result()
        assert site.boot_id(ONE) != boot
        assert " ".join(site.run(ONE, "cat /mnt/temporary /root/own").split()) == left


def test_a_guest_may_reboot_itself_and_one_that_powers_off_stays_off(site: Site) -> None:
    boot = site.boot_id(TWO)
    site.run(TWO, "systemd-run --quiet sh -c 'sleep 1; systemctl reboot'")
    wait_for(lambda: site.power(TWO) == "running" and site.boot_id(TWO) != boot, "the reboot")
    site.run(TWO, "systemd-run --quiet sh -c 'sleep 1; systemctl poweroff'")
    wait_for(lambda: site.power(TWO) == "stopped", "the end by itself")


def test_a_frozen_machine_answers_nobody_and_goes_on_afterwards(site: Site) -> None:
    boot = site.boot_id(ONE)
    assert site.say("machine", "freeze", ONE, "4").stdout.strip() == "1"
    begun = time.monotonic()
    silent = site.on("vnet", "ping", "-c", "1", "-W", "1", NODES[ONE])
    assert "0 received" in silent or time.monotonic() - begun > 3
    assert site.boot_id(ONE) == boot


def test_a_machine_that_hangs_is_powered_off_all_the_same(site: Site) -> None:
    assert site.say("machine", "freeze", TWO, "3600").stdout.strip() == "1"
    site.compute.virtual_machines.begin_power_off(GROUP, TWO).result()
    assert site.power(TWO) == "stopped"


def test_a_cut_machine_is_reached_by_nobody_until_it_is_healed(site: Site) -> None:
    ping = ("ping", "-c", "1", "-W", "2", NODES[ONE])
    site.say("machine", "cut", ONE, TWO)
    assert "0 received" in site.on(TWO, *ping)
    assert "1 received" in site.on("vnet", *ping)
    site.say("machine", "heal", ONE)
    assert "1 received" in site.on(TWO, *ping)


def test_a_power_loss_takes_the_machine_and_what_was_run_on_it(site: Site) -> None:
    boot = site.boot_id(ONE)
    assert [site.agents_boot_id(name) for name in NODES] == [boot, site.boot_id(TWO)]
    assert boot != site.boot_id(TWO)
    with ThreadPoolExecutor() as pool:
        under_way = pool.submit(site.say, "machine", "run", more=(ONE, "sleep", "4321"))
        wait_for(lambda: "sleep 4321" in site.on(ONE, "ps", "ax", "-o", "args"), "the command")
        assert site.say("machine", "kill", ONE).stdout.strip() == "1"
        assert under_way.result(PATIENCE_S).returncode != 0
    assert site.power(ONE) == "stopped"
    assert "does not run" in site.say("machine", "run", more=(ONE, "true")).stderr
    site.compute.virtual_machines.begin_start(GROUP, ONE).result()
    assert site.agents_boot_id(ONE) == site.boot_id(ONE) != boot


def test_maintenance_that_begins_freezes_the_machine(site: Site) -> None:
    said = site.say("event", "add", "Freeze", "--machine", ONE, "--notice", "0", "--duration", "5")
    assert said.returncode == 0, said.stderr
    state = next(site.sim.directory.glob(f"machines/*{ONE}*/state.json"))
    wait_for(lambda: json.loads(state.read_text())["thaw_at"] is not None, "the freeze")
    wait_for(lambda: json.loads(state.read_text())["thaw_at"] is None, "its end")
    assert site.run(ONE, "echo on").strip() == "on"


def test_machines_outlive_a_killed_simulator_and_serve_again_with_the_next(site: Site) -> None:
    serve(site)
    boots = [site.boot_id(name) for name in NODES]
    site.close()
    site.sim.kill()
    site.sim.start()
    site.connect()
    assert [site.boot_id(name) for name in NODES] == boots
    wait_for(lambda: site.served_by() == set(NODES), "service by both")


def test_a_deleted_machine_leaves_nothing(site: Site) -> None:
    machines = site.compute.virtual_machines
    count = len(list((site.sim.directory / "disks").iterdir()))
    machines.begin_delete(GROUP, TWO).result()
    wait_for(lambda: not list(site.sim.directory.glob(f"machines/*{TWO}*")), "its end")
    disks = site.sim.directory / "disks"
    wait_for(lambda: len(list(disks.iterdir())) == count - 2, "the end of its disks")
    assert [each for each in traces(site.sim.directory) if TWO in each] == []
    site.make(TWO)
    assert site.run(TWO, "ls /root/own 2>&1 || echo new").strip().endswith("new")


def test_after_a_kill_clean_leaves_nothing(site: Site) -> None:
    assert traces(site.sim.directory)
    site.close()
    site.sim.kill()
    said = site.say("clean")
    assert said.returncode == 0, said.stderr
    assert traces(site.sim.directory) == []
    site.sim.start()
    site.connect()
    assert {name: site.power(name) for name in NODES} == dict.fromkeys(NODES, "stopped")
