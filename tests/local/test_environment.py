"""`make up` and `make down` on the real parts, all but the operator."""

import json
import os
import signal
import ssl
import stat
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.prerequisites import require

from hacluster_local import environment, leftovers, processes
from hacluster_local.arm import RESOURCES_VERSION, Arm
from hacluster_local.controlplane import binaries
from hacluster_local.controlplane.kubectl import Kubectl
from hacluster_local.demo.damage import SECURITY_GROUPS, Vandal
from hacluster_local.demo.look import Onlooker, Thing, View
from hacluster_local.environment import Environment, RefusedError
from hacluster_local.store import install

PARTS = {"etcd", "kube-apiserver", "azuresim", "azurite"}


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    require(binaries.find(), "kube-apiserver", "`make setup` builds it")
    require(install.find(), "Azurite", "`make setup` installs it")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    home = tmp_path_factory.mktemp("environment")
    try:
        yield environment.up(home, with_operator=False)
    finally:
        environment.down(home)


def parts(home: Path) -> set[str]:
    return {process.part for process in processes.find(home)}


def test_all_parts_run(running: Environment) -> None:
    assert parts(running.home) == PARTS


def test_all_servers_are_on_loopback_only(running: Environment) -> None:
    ours = [Path(f"/proc/{process.pid}/fd") for process in processes.find(running.home)]
    sockets = {str(link.readlink()) for folder in ours for link in folder.iterdir()}
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    addresses = {
        words[1].split(":")[0]
        for words in listening
        if words[3] == "0A" and f"socket:[{words[9]}]" in sockets
    }
    assert addresses == {"0100007F"}


def test_a_second_up_is_refused_and_says_what_to_do(running: Environment) -> None:
    with pytest.raises(RefusedError, match=r"up already .*make down"):
        environment.up(running.home)
    assert parts(running.home) == PARTS


def test_the_env_file_has_what_clients_need_and_is_private(running: Environment) -> None:
    env = running.home / "env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    names = [line.removeprefix("export ").split("=")[0] for line in env.read_text().splitlines()]
    assert names == [
        "KUBECONFIG",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_SUBSCRIPTION_ID",
        "AZURE_AUTHORITY_HOST",
        "AZURE_RESOURCE_MANAGER",
        "AZURE_CA_FILE",
    ]


def test_one_authority_file_serves_for_all_of_azure(running: Environment) -> None:
    context = ssl.create_default_context(cafile=str(running.ca_file))
    for url in (f"{running.azure.resource_manager}/metadata/endpoints", running.store.url):
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            opener.open(url, timeout=5)
        refused.value.close()
        assert refused.value.code in {400, 403}, "answered over TLS, with a refusal of its own"


def test_the_credentials_of_the_env_file_open_azure(running: Environment) -> None:
    arm = Arm(running.azure)
    listed = arm.get("/subscriptions", "2022-12-01")["value"]
    assert [each["subscriptionId"] for each in listed] == [running.azure.subscription_id]


def test_the_demo_sees_azure_and_can_break_it(running: Environment) -> None:
    arm = Arm(running.azure)
    region = arm.get(f"{arm.subscription}/locations", "2022-12-01")["value"][0]["name"]
    group = f"{arm.subscription}/resourceGroups/broken"
    onlooker = Onlooker(running.kubectl, arm, "default/nobody", "broken")
    assert onlooker.look() == View()
    arm.put(group, RESOURCES_VERSION, {"location": region})
    rule = {
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "sourceAddressPrefix": "VirtualNetwork",
        "destinationPortRange": "8080",
        "destinationAddressPrefix": "*",
    }
    body = {"securityRules": [{"name": "service", "properties": rule}]}
    path = f"{group}/providers/{SECURITY_GROUPS}/nsg"
    version = arm.version_of(SECURITY_GROUPS)
    arm.put(path, version, {"location": region, "properties": body})
    assert Thing(kind="resourceGroups", name="broken", state="Succeeded") in onlooker.things()
    eventually(lambda: arm.get(path, version)["properties"]["provisioningState"] == "Succeeded")
    assert [(thing.kind, thing.name) for thing in onlooker.things()] == [
        ("resourceGroups", "broken"),
        ("networkSecurityGroups", "nsg"),
    ]
    vandal = Vandal(arm, "broken")
    assert not vandal.lets_everybody_in("service")
    assert vandal.open_to_everybody() == "service"
    assert vandal.lets_everybody_in("service")


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.2)


def test_the_operator_has_its_own_rights_and_no_more(running: Environment) -> None:
    kubectl = Kubectl(
        program=running.kubectl.program,
        kubeconfig=running.home / "operator.kubeconfig",
        cache=running.home / "test-kubectl",
    )
    who = json.loads(kubectl.run("auth", "whoami", "-o", "json"))["status"]["userInfo"]["username"]
    assert who == "system:serviceaccount:hacluster-system:hacluster-operator"
    for allowed, question in (
        ("yes", ("list", "haclusters.hacluster.dev", "--all-namespaces")),
        ("yes", ("patch", "haclusters.hacluster.dev/status", "--subresource=status")),
        ("no", ("list", "secrets", "--all-namespaces")),
        ("no", ("delete", "haclusters.hacluster.dev")),
        ("no", ("create", "clusterrolebindings")),
        ("no", ("*", "*")),
    ):
        answer = kubectl.attempt("auth", "can-i", *question).stdout.strip().splitlines()[-1:]
        assert answer == [allowed], question


def test_the_simulators_own_command_line_is_at_hand(running: Environment) -> None:
    command = [str(running.home / "sim"), "fault", "list"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == ""


@pytest.mark.timeout(900)
def test_nothing_is_left_after_every_part_was_killed(tmp_path: Path) -> None:
    environment.up(tmp_path, with_operator=False)
    for process in processes.find(tmp_path):
        os.kill(process.pid, signal.SIGKILL)
    environment.down(tmp_path)
    assert processes.find(tmp_path) == []
    assert leftovers.mounts(tmp_path) == []
    assert {entry.name for entry in tmp_path.iterdir()} == {"lock", "log"}


@pytest.mark.timeout(900)
def test_of_two_ups_at_once_one_comes_up_and_one_is_refused(tmp_path: Path) -> None:
    def attempt(_: int) -> str:
        try:
            environment.up(tmp_path, with_operator=False)
        except RefusedError as refusal:
            return str(refusal)
        return "up"

    try:
        with ThreadPoolExecutor(2) as pool:
            outcomes = sorted(pool.map(attempt, range(2)))
        assert outcomes[1] == "up"
        assert "Another run is bringing" in outcomes[0]
        assert parts(tmp_path) == PARTS
    finally:
        environment.down(tmp_path)


@pytest.mark.timeout(900)
def test_a_part_that_fails_takes_the_others_down_and_leaves_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--no-such-option")
    with pytest.raises(processes.PartError, match=r"(?s)azurite ended .*no-such-option"):
        environment.up(tmp_path, with_operator=False)
    assert processes.find(tmp_path) == []
    assert {entry.name for entry in tmp_path.iterdir()} == {"lock", "log"}
    assert "no-such-option" in (tmp_path / "log" / "azurite.log").read_text()


def test_down_where_nothing_is_up_does_nothing(tmp_path: Path) -> None:
    assert environment.down(tmp_path) == 0
