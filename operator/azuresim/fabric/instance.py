"""The instance document: what a machine is told about itself (source: document)."""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from azuresim import ids
from azuresim.resources.call import Call
from azuresim.resources.network import virtual_networks
from azuresim.state.records import Record


def document(call: Call, machine: Record, environment: str) -> dict[str, Any]:
    """Return the whole document; every value of `compute` that is no object or list is text."""
    body = machine.body()
    return {
        "compute": _compute(call, machine, body, environment),
        "network": {"interface": [_interface(call, nic) for nic in _interfaces(call, body)]},
    }


def _compute(
    call: Call, machine: Record, body: Mapping[str, Any], environment: str
) -> dict[str, Any]:
    properties = body["properties"]
    image = properties["storageProfile"].get("imageReference") or {}
    tags: Mapping[str, str] = body.get("tags") or {}
    plan = body.get("plan") or {}
    domains = properties.get("domains", {})
    profile = properties.get("osProfile", {})
    security = (properties.get("securityProfile") or {}).get("uefiSettings") or {}
    return {
        "additionalCapabilities": {"hibernationEnabled": "false"},
        "azEnvironment": environment,
        "customData": "",
        "evictionPolicy": properties.get("evictionPolicy", ""),
        "extendedLocation": {"name": "", "type": ""},
        "host": {"id": ""},
        "hostGroup": {"id": ""},
        "isHostCompatibilityLayerVm": "false",
        "licenseType": properties.get("licenseType", ""),
        "location": body["location"],
        "name": machine.name,
        "offer": image.get("offer", ""),
        "osProfile": {
            "adminUsername": profile.get("adminUsername", ""),
            "computerName": profile.get("computerName", machine.name),
            "disablePasswordAuthentication": _word(
                profile.get("linuxConfiguration", {}).get("disablePasswordAuthentication", False)
            ),
        },
        "osType": properties["storageProfile"]["osDisk"]["osType"],
        "placementGroupId": "",
        "plan": {name: plan.get(name, "") for name in ("name", "product", "publisher")},
        "platformFaultDomain": str(domains.get("fault", 0)),
        "platformSubFaultDomain": "",
        "platformUpdateDomain": str(domains.get("update", 0)),
        "priority": properties.get("priority", ""),
        "provider": "Microsoft.Compute",
        "publicKeys": profile.get("linuxConfiguration", {}).get("ssh", {}).get("publicKeys", []),
        "publisher": image.get("publisher", ""),
        "resourceGroupName": ids.parse(machine.id).group,
        "resourceId": machine.id,
        "securityProfile": {
            "secureBootEnabled": _word(security.get("secureBootEnabled", False)),
            "virtualTpmEnabled": _word(security.get("vTpmEnabled", False)),
        },
        "sku": image.get("sku", ""),
        "storageProfile": _storage(call, properties["storageProfile"]),
        "subscriptionId": call.subscription,
        "tags": ";".join(f"{name}:{value}" for name, value in tags.items()),
        "tagsList": [{"name": name, "value": value} for name, value in tags.items()],
        "userData": properties.get("userData") or "",
        "version": image.get("exactVersion", image.get("version", "")),
        "virtualMachineScaleSet": {"id": ""},
        "vmId": properties["vmId"],
        "vmScaleSetName": "",
        "vmSize": properties["hardwareProfile"]["vmSize"],
        "zone": (body.get("zones") or [""])[0],
    }


IMAGE: Final = ("id", "offer", "publisher", "sku", "version")


def _storage(call: Call, profile: Mapping[str, Any]) -> dict[str, Any]:
    image = profile.get("imageReference") or {}
    boot = profile["osDisk"]
    return {
        "dataDisks": [{**_disk(call, disk), "lun": str(disk["lun"])}
                      for disk in profile["dataDisks"]],
        "imageReference": {name: image.get(name, "") for name in IMAGE},
        "osDisk": {
            **_disk(call, boot),
            "diffDiskSettings": {"option": ""},
            "encryptionSettings": {"enabled": "false"},
            "osType": boot["osType"],
        },
        "resourceDisk": {"size": "0"},
    }  # fmt: skip


def _disk(call: Call, entry: Mapping[str, Any]) -> dict[str, Any]:
    managed = entry.get("managedDisk") or {}
    record = call.get(managed.get("id", ""))
    disk = record.body() if record else {"properties": {}}
    size = disk["properties"].get("diskSizeGB", entry.get("diskSizeGB", ""))
    kind = disk.get("sku", {}).get("name", managed.get("storageAccountType", ""))
    return {
        "caching": entry.get("caching", "None"),
        "createOption": entry["createOption"],
        "diskSizeGB": str(size),
        "image": {"uri": ""},
        "managedDisk": {"id": managed.get("id", ""), "storageAccountType": kind},
        "name": entry.get("name", ""),
        "vhd": {"uri": ""},
        "writeAcceleratorEnabled": _word(entry.get("writeAcceleratorEnabled", False)),
    }


def _interfaces(call: Call, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = body["properties"]["networkProfile"]["networkInterfaces"]
    ordered = sorted(listed, key=lambda each: not each.get("properties", {}).get("primary"))
    found = (call.get(each["id"]) for each in ordered)
    return [record.body()["properties"] for record in found if record is not None]


def _interface(call: Call, nic: Mapping[str, Any]) -> dict[str, Any]:
    seats: dict[int, list[dict[str, str]]] = {4: [], 6: []}
    subnets: list[dict[str, str]] = []
    for item in nic["ipConfigurations"]:
        properties = item["properties"]
        version = 6 if properties.get("privateIPAddressVersion") == "IPv6" else 4
        address = properties.get("privateIPAddress", "")
        seats[version].append(
            {"privateIpAddress": address, "publicIpAddress": _public(call, properties)}
        )
        subnets += [each for each in _subnet(call, properties, address) if each not in subnets]
    digits = nic["resourceGuid"].replace("-", "")[-6:].upper()
    return {
        "ipv4": {"ipAddress": seats[4], "subnet": subnets},
        "ipv6": {
            "ipAddress": [{"privateIpAddress": each["privateIpAddress"]} for each in seats[6]]
        },
        "macAddress": f"000D3A{digits}",
    }


def _public(call: Call, properties: Mapping[str, Any]) -> str:
    record = call.get((properties.get("publicIPAddress") or {}).get("id", ""))
    return str(record.body()["properties"].get("ipAddress", "")) if record else ""


def _subnet(call: Call, properties: Mapping[str, Any], address: str) -> list[dict[str, str]]:
    """Return the IPv4 prefix that an address is in."""
    key = ids.key(properties["subnet"]["id"])
    network = call.get(ids.parent_key(key))
    for item in network.body()["properties"]["subnets"] if network else ():
        if item["name"].casefold() == ids.name_of(key):
            for prefix in virtual_networks.prefixes(item["properties"], item["name"]):
                inside = ipaddress.ip_network(prefix)
                if inside.version == 4 and address and ipaddress.ip_address(address) in inside:
                    shown = {
                        "address": str(inside.network_address),
                        "prefix": str(inside.prefixlen),
                    }
                    return [shown]
    return []


def _word(value: object) -> str:
    return "true" if value else "false"
