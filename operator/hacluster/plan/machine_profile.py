"""What is inside a machine: the disks it has and the operating system as it is first started."""

from typing import Any, Final

from hacluster.model.machines import Admin, Image, Machines, Node, OperatingSystem
from hacluster.plan.data_disk import shared_disks
from hacluster.plan.steps import Pending
from hacluster.plan.view import View

SSH_PATH: Final = "/home/{username}/.ssh/authorized_keys"


def storage(view: View, node: Node) -> dict[str, Any]:
    """Return the image, the disk to boot from, and the disks that are attached.

    The boot disk goes with its machine; data disks stay, whatever becomes of the machine. They have
    no host cache, for a mirror must know what is really on the disk.
    """
    machines, names = view.spec.machines, view.names
    os_disk: dict[str, Any] = {
        "name": names.os_disk(node).rsplit("/", 1)[-1],
        "createOption": "FromImage",
        "caching": "ReadWrite",
        "deleteOption": "Delete",
        "managedDisk": {"storageAccountType": str(machines.os_disk.sku)},
    }
    if machines.os_disk.size_gib:
        os_disk["diskSizeGB"] = machines.os_disk.size_gib
    own = [_attached(disk.lun, names.data_disk(disk)) for disk in node.data_disks]
    shared = [
        _attached(mount.disk.lun, names.shared_disk(resource))
        for resource, mount in shared_disks(view)
    ]
    return {
        "imageReference": _image(machines.image or Image()),
        "osDisk": os_disk,
        "dataDisks": own + shared,
    }


def operating_system(machines: Machines, node: Node) -> dict[str, Any]:
    """Return the profile for the first start; a password stands in it as a reference."""
    admin = machines.admin or Admin(username="azureuser")
    profile: dict[str, Any] = {"computerName": node.name, "adminUsername": admin.username}
    if admin.password_secret_ref:
        profile["adminPassword"] = admin.password_secret_ref
    if machines.operating_system is OperatingSystem.WINDOWS:
        return profile | {"windowsConfiguration": {"provisionVMAgent": True}}
    return profile | {"linuxConfiguration": _linux(admin)}


def diagnostics(view: View) -> dict[str, Any]:
    """Return where boot diagnostics go: our storage account, else one that Azure keeps."""
    is_enabled = view.spec.machines.boot_diagnostics.enabled
    if not is_enabled or view.spec.cluster.store.existing:
        return {"enabled": is_enabled}
    account = view.names.storage_account
    seen = view.present(account)
    endpoints = (seen.properties.get("primaryEndpoints") or {}) if seen else {}
    uri = endpoints.get("blob") or Pending(account, "properties.primaryEndpoints.blob")
    return {"enabled": True, "storageUri": uri}


def _linux(admin: Admin) -> dict[str, Any]:
    path = SSH_PATH.format(username=admin.username)
    keys = [{"path": path, "keyData": key} for key in admin.ssh_public_keys]
    configuration: dict[str, Any] = {
        "disablePasswordAuthentication": admin.password_secret_ref is None,
        "provisionVMAgent": True,
    }
    return configuration | ({"ssh": {"publicKeys": keys}} if keys else {})


def _image(image: Image) -> dict[str, Any]:
    if image.id:
        return {"id": image.id}
    return {
        "publisher": image.publisher,
        "offer": image.offer,
        "sku": image.sku,
        "version": image.version,
    }


def _attached(lun: int, disk: str) -> dict[str, Any]:
    return {
        "lun": lun,
        "name": disk.rsplit("/", 1)[-1],
        "createOption": "Attach",
        "caching": "None",
        "deleteOption": "Detach",
        "managedDisk": {"id": disk},
    }
