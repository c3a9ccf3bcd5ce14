"""What became of a machine: its instance view, asked for by itself, with a GET or with a list."""

from typing import Any, Final

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.resources.call import Call
from azuresim.resources.compute import sizes, vm_power
from azuresim.resources.present import state_of
from azuresim.state.records import Record

AGENT_VERSION: Final = {"Linux": "2.14.0.1", "Windows": "2.7.41491.1176"}
SYSTEMS: Final = {"Linux": "Linux", "Windows": "Windows Server"}


def instance_view(call: Call, record: Record) -> dict[str, Any]:
    """Return how a machine is now."""
    body = record.body()
    properties = body["properties"]
    power = power_now(call, record)
    domains = properties.get("domains", {})
    view: dict[str, Any] = {}
    if domains:
        view["platformUpdateDomain"] = domains["update"]
        view["platformFaultDomain"] = domains["fault"]
    disk = properties["storageProfile"]["osDisk"]
    if power == vm_power.RUNNING:
        view["computerName"] = properties.get("osProfile", {}).get("computerName", record.name)
        view["osName"] = SYSTEMS[disk["osType"]]
        view["vmAgent"] = _agent(call, record, disk["osType"])
    view["disks"] = _disks(call, properties["storageProfile"])
    diagnostics = properties.get("diagnosticsProfile", {}).get("bootDiagnostics", {})
    if diagnostics.get("enabled"):
        view["bootDiagnostics"] = _boot(record, diagnostics)
    view["hyperVGeneration"] = "V2"
    view["statuses"] = [_provisioning(call, record), _status(f"PowerState/{power}", f"VM {power}")]
    return view


def power_now(call: Call, record: Record) -> str:
    """Return the state of power: what it is on its way to, was asked to be, or has become."""
    wanted = str(record.body()["properties"]["power"]["state"])
    operation = call.tx.operation(record.operation)
    if operation is not None and not operation.is_over(call.now):
        if operation.action in vm_power.UNDER_WAY:
            return vm_power.UNDER_WAY[operation.action]
        if operation.verb == "PUT" and operation.shown == "Creating":
            return "starting"
    if wanted == vm_power.RUNNING and not call.machines.status(record.id, call.now).running:
        return vm_power.STOPPED
    return wanted


def _status(code: str, display: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "level": "Info", "displayStatus": display, **more}


def _provisioning(call: Call, record: Record) -> dict[str, Any]:
    state = state_of(call, record)
    words = {"Succeeded": "Provisioning succeeded", "Failed": "Provisioning failed"}
    status = _status(f"ProvisioningState/{state.lower()}", words.get(state, state))
    if state == "Failed":
        status["level"] = "Error"
    operation = call.tx.operation(record.operation)
    status["time"] = timestamp(operation.started if operation else call.now)
    return status


def _agent(call: Call, record: Record, system: str) -> dict[str, Any]:
    ready = call.machines.status(record.id, call.now).agent
    status = _status("ProvisioningState/succeeded", "Ready", message="Guest Agent is running")
    if not ready:
        message = "VM status blob is found but not yet populated."
        status = _status("ProvisioningState/Unavailable", "Not Ready", message=message)
        status["level"] = "Warning"
    status["time"] = timestamp(call.now)
    return {
        "vmAgentVersion": AGENT_VERSION[system] if ready else "Unknown",
        "statuses": [status],
        "extensionHandlers": [],
    }


def _disks(call: Call, storage: dict[str, Any]) -> list[dict[str, Any]]:
    time = timestamp(call.now)
    status = _status("ProvisioningState/succeeded", "Provisioning succeeded", time=time)
    entries = [storage["osDisk"], *storage["dataDisks"]]
    return [{"name": each["name"], "statuses": [status]} for each in entries]


def _boot(record: Record, diagnostics: dict[str, Any]) -> dict[str, Any]:
    if "storageUri" not in diagnostics:
        return {}  # kept by Azure: to be asked for with retrieveBootDiagnosticsData
    machine = record.body()["properties"]["vmId"]
    base = f"{diagnostics['storageUri'].rstrip('/')}/bootdiagnostics-{machine}/{record.name}"
    return {
        "consoleScreenshotBlobUri": f"{base}.screenshot.bmp",
        "serialConsoleLogBlobUri": f"{base}.serialconsole.log",
    }


def view_action(call: Call, record: Record, _child: str, _given: Any) -> dict[str, Any]:
    """Answer GET instanceView."""
    return instance_view(call, record)


def boot_data(_call: Call, record: Record, _child: str, _given: Any) -> dict[str, Any]:
    """Answer retrieveBootDiagnosticsData."""
    machine = record.body()["properties"]["vmId"]
    return _boot(record, {"storageUri": f"https://md-{machine[:8]}.blob.core.windows.net"})


def sizes_action(_call: Call, record: Record, _child: str, _given: Any) -> dict[str, Any]:
    """Answer GET vmSizes: what a machine could become, its disks being what they are."""
    disks = len(record.body()["properties"]["storageProfile"]["dataDisks"])
    return {"value": [size.shown() for size in sizes.SIZES.values() if size.disks >= disks]}


def show(call: Call, record: Record, wire: dict[str, Any]) -> None:
    """Leave out what is not there yet, add what was asked for besides."""
    properties = wire["properties"]
    if properties["provisioningState"] == "Creating":
        for disk in _entries(properties):
            disk.get("managedDisk", {}).pop("id", None)  # told once it is made (recording)
    expand = call.query.get("$expand", "").casefold()
    if "instanceview" in expand or call.query.get("statusonly", "").casefold() == "true":
        properties["instanceView"] = instance_view(call, record)
    user_data = record.body()["properties"].get("userData")
    if "userdata" in expand and user_data is not None:
        properties["userData"] = user_data


def _entries(properties: dict[str, Any]) -> list[dict[str, Any]]:
    storage = properties["storageProfile"]
    entries = [storage["osDisk"], *storage["dataDisks"]]
    return [each for each in entries if each["createOption"] != "Attach"]


def listed(call: Call, record: Record) -> bool:
    """Whether a list shows a machine: those of scale sets are none of these."""
    del record
    return "virtualmachinescaleset" not in ids.key(call.query.get("$filter", ""))
