"""Scripts in machines, and a kill in the middle of things."""

import time
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from tests.sim.resources.bodies import interface, machine
from tests.sim.simulator import Simulator, running

from azuresim.faults import control

pytestmark = pytest.mark.sim


def _command(script: str, **more: Any) -> dict[str, Any]:
    return {"location": "eastus", "properties": {"source": {"script": script}, **more}}


@pytest.fixture
def one(compute: Any, network: Any, group: str) -> Any:
    """A running machine."""
    body = machine(interface(network, group))
    return compute.virtual_machines.begin_create_or_update(group, "one", body).result()


def _rule(sim: Simulator, **rule: Any) -> None:
    control.ask(sim.directory, {"do": "script.add", **rule})


def _seen(compute: Any, group: str, name: str = "run") -> Any:
    seen = compute.virtual_machine_run_commands.get_by_virtual_machine(
        group, "one", name, expand="instanceView"
    )
    return seen["properties"]["instanceView"]


def _write(compute: Any, group: str, body: Any, name: str = "run") -> Any:
    commands = compute.virtual_machine_run_commands
    return commands.begin_create_or_update(group, "one", name, body).result()


def test_a_script_is_run_once(compute: Any, shared_sim: Simulator, group: str, one: Any) -> None:
    _rule(shared_sim, contains="first-once", output="x" * 5000 + "end", count=1)
    _rule(shared_sim, contains="second-once", exit_code=3, error="no", count=1)
    made = _write(compute, group, _command("first-once"))
    assert made["properties"]["provisioningState"] == "Succeeded"
    view = _seen(compute, group)
    assert (view["executionState"], view["exitCode"]) == ("Succeeded", 0)
    assert len(view["output"]) == 4096
    assert view["output"].endswith("end")
    _write(compute, group, {**_command("first-once"), "tags": {"a": "1"}})
    assert _seen(compute, group) == view
    again = _write(compute, group, _command("second-once"))
    assert again["properties"]["provisioningState"] == "Succeeded"
    view = _seen(compute, group)
    assert (view["executionState"], view["exitCode"], view["error"]) == ("Failed", 3, "no")


def test_a_failure_can_fail_the_deployment(
    compute: Any, shared_sim: Simulator, group: str, one: Any
) -> None:
    _rule(shared_sim, contains="must-work", exit_code=1)
    body = _command("must-work", treatFailureAsDeploymentFailure=True)
    with pytest.raises(HttpResponseError, match="VMExtensionProvisioningError"):
        _write(compute, group, body)
    seen = compute.virtual_machine_run_commands.get_by_virtual_machine(group, "one", "run")
    assert seen["properties"]["provisioningState"] == "Failed"


def test_secrets_of_a_script_are_kept_nowhere(
    compute: Any, shared_sim: Simulator, group: str, one: Any
) -> None:
    secret = "hunter2-hunter2"
    body = _command(
        "cat", protectedParameters=[{"name": "key", "value": secret}], runAsPassword=secret
    )
    made = _write(compute, group, body)
    assert secret not in str(made)
    files = [file for file in shared_sim.directory.iterdir() if file.is_file()]
    assert not [file for file in files if secret.encode() in file.read_bytes()]


def test_nothing_runs_without_power(compute: Any, group: str, one: Any) -> None:
    compute.virtual_machines.begin_deallocate(group, "one").result()
    with pytest.raises(HttpResponseError, match="VM is not running"):
        _write(compute, group, _command("true"))
    with pytest.raises(HttpResponseError, match="VM is not running"):
        compute.virtual_machines.begin_run_command(
            group, "one", {"commandId": "RunShellScript", "script": ["true"]}
        )


def test_the_action_answers_with_the_output(
    compute: Any, shared_sim: Simulator, group: str, one: Any
) -> None:
    _rule(shared_sim, contains="uptime", output="up 3 days")
    result = compute.virtual_machines.begin_run_command(
        group, "one", {"commandId": "RunShellScript", "script": ["uptime"]}
    ).result()
    assert "[stdout]\nup 3 days\n" in result.value[0].message


def test_commands_are_listed_and_go(compute: Any, group: str, one: Any) -> None:
    commands = compute.virtual_machine_run_commands
    _write(compute, group, _command("true"), "a")
    _write(compute, group, _command("false"), "b")
    assert [each.name for each in commands.list_by_virtual_machine(group, "one")] == ["a", "b"]
    commands.begin_delete(group, "one", "a").result()
    assert [each.name for each in commands.list_by_virtual_machine(group, "one")] == ["b"]
    assert "RunShellScript" in {each.id for each in commands.list("eastus")}
    compute.virtual_machines.begin_delete(group, "one").result()


def _machine_path(sim: Simulator, tail: str = "") -> str:
    group = f"{sim.subscription}/resourceGroups/g"
    path = f"{group}/providers/Microsoft.Compute/virtualMachines/one{tail}"
    return f"{path}?api-version=2025-04-01"


def _make_interface(sim: Simulator) -> str:
    with sim.client(ResourceManagementClient) as resources:
        resources.resource_groups.create_or_update("g", {"location": "eastus"})
    with sim.client(NetworkManagementClient) as network:
        return interface(network, "g")


def test_a_kill_during_a_creation_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as sim:
        nic = _make_interface(sim)
        sim.stop()
        sim.options = ("--durations", "typical", "--speed", "10")
        sim.start()
        made = sim.send("PUT", _machine_path(sim), machine(nic))
        assert made.status == 201
        watch = made.header("Azure-AsyncOperation") or ""
        sim.kill()
        sim.start()
        seen = sim.send("GET", _machine_path(sim, "/instanceView")).body
        codes = [status["code"] for status in seen["statuses"]]
        assert codes == ["ProvisioningState/creating", "PowerState/starting"]
        deadline = time.monotonic() + 20
        while sim.send("GET", watch).body["status"] == "InProgress":
            assert time.monotonic() < deadline
            time.sleep(0.3)
        seen = sim.send("GET", _machine_path(sim)).body
        assert seen["properties"]["provisioningState"] == "Succeeded"
        assert seen["etag"] == '"2"'
        with sim.client(ComputeManagementClient) as compute:
            assert compute.disks.get("g", "boot").managed_by == seen["id"]


def test_a_kill_during_a_script_does_not_run_it_twice(tmp_path: Path) -> None:
    with running(tmp_path, "--speed", "10") as sim:
        nic = _make_interface(sim)
        sim.send("PUT", _machine_path(sim), machine(nic))
        _rule(sim, contains="long", takes=60, output="once", count=1)
        body = _command("long", protectedParameters=[{"name": "a", "value": "b"}])
        made = sim.send("PUT", _machine_path(sim, "/runCommands/run"), body)
        watch = made.header("Azure-AsyncOperation") or ""
        assert sim.send("GET", watch).body["status"] == "InProgress"
        sim.kill()
        sim.start()
        view = f"{_machine_path(sim, '/runCommands/run')}&$expand=instanceView"
        seen = sim.send("GET", view).body["properties"]
        assert seen["instanceView"]["executionState"] == "Running"
        deadline = time.monotonic() + 20
        while sim.send("GET", watch).body["status"] == "InProgress":
            assert time.monotonic() < deadline
            time.sleep(0.3)
        seen = sim.send("GET", view).body["properties"]
        assert seen["instanceView"]["output"] == "once"


def test_a_script_that_hangs_is_given_up(tmp_path: Path) -> None:
    with running(tmp_path, "--speed", "50") as sim:
        nic = _make_interface(sim)
        sim.send("PUT", _machine_path(sim), machine(nic))
        _rule(sim, contains="sleep", takes=-1)
        path = _machine_path(sim, "/runCommands/run")
        view = f"{path}&$expand=instanceView"
        sim.send("PUT", path, _command("sleep", timeoutInSeconds=100))
        assert _state(sim, view) == "Running"
        time.sleep(2.5)
        assert _state(sim, view) == "TimedOut"
        apart = _command("sleep infinity", timeoutInSeconds=100, asyncExecution=True)
        sim.send("PUT", path, apart)
        seen = sim.send("GET", view).body["properties"]
        assert seen["provisioningState"] == "Succeeded"
        assert seen["instanceView"]["executionState"] == "Running"


def _state(sim: Simulator, path: str) -> str:
    return str(sim.send("GET", path).body["properties"]["instanceView"]["executionState"])
