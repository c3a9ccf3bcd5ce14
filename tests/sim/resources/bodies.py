"""Bodies of machines and what they rest on, as clients send them."""

from typing import Any

PASSWORD = "Correct-Horse-7"
IMAGE = {
    "publisher": "Canonical",
    "offer": "ubuntu-24_04-lts",
    "sku": "server",
    "version": "latest",
}


def interface(network: Any, group: str, name: str = "nic") -> str:
    """Make a network and an interface in it, and return the interface's id."""
    subnet = {"name": "front", "properties": {"addressPrefix": "10.0.0.0/24"}}
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [subnet]}
    net = network.virtual_networks.begin_create_or_update(
        group, "net", {"location": "eastus", "properties": space}
    ).result()
    subnet_id = f"{net.id}/subnets/front"
    configuration = {"name": "ip", "properties": {"subnet": {"id": subnet_id}}}
    made = network.network_interfaces.begin_create_or_update(
        group,
        name,
        {"location": "eastus", "properties": {"ipConfigurations": [configuration]}},
    ).result()
    return str(made.id)


def machine(nic: str, **properties: Any) -> dict[str, Any]:
    """Return a Linux machine's body, with members of `properties` replaced."""
    body = {
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "storageProfile": {
            "imageReference": dict(IMAGE),
            "osDisk": {"createOption": "FromImage", "name": "boot", "deleteOption": "Delete"},
        },
        "osProfile": {
            "computerName": "one",
            "adminUsername": "azureuser",
            "adminPassword": PASSWORD,
            "linuxConfiguration": {"disablePasswordAuthentication": False},
        },
        "networkProfile": {"networkInterfaces": [{"id": nic}]},
    }
    return {"location": "eastus", "properties": {**body, **properties}}


def disk(size_gb: int = 32, **properties: Any) -> dict[str, Any]:
    """Return an empty disk's body."""
    stated = {"creationData": {"createOption": "Empty"}, "diskSizeGB": size_gb, **properties}
    return {"location": "eastus", "sku": {"name": "Premium_LRS"}, "properties": stated}


def attached(disk_id: str, lun: int, **more: Any) -> dict[str, Any]:
    """Return a machine's entry for a disk that exists."""
    return {"lun": lun, "createOption": "Attach", "managedDisk": {"id": disk_id}, **more}
