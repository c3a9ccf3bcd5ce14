"""What a write to a virtual machine may say: sizes, logins, and what is for life."""

from collections.abc import Iterator
from typing import Any, Final

from azuresim import ids
from azuresim.errors import ArmError, bad_request
from azuresim.resources.call import Call, Draft
from azuresim.resources.compute import images, sizes
from azuresim.resources.compute.refusals import changed, invalid, not_allowed

FOR_LIFE: Final = (
    ("osProfile.computerName", "computerName"),
    ("osProfile.adminUsername", "adminUsername"),
    ("osProfile.adminPassword", "adminPassword"),
    ("osProfile.customData", "customData"),
    ("osProfile.linuxConfiguration.ssh.publicKeys", "linuxConfiguration.ssh.publicKeys"),
    ("osProfile.linuxConfiguration.disablePasswordAuthentication",
     "linuxConfiguration.disablePasswordAuthentication"),
    ("storageProfile.imageReference", "imageReference"),
    ("storageProfile.osDisk.osType", "osDisk.osType"),
    ("storageProfile.osDisk.createOption", "osDisk.createOption"),
    ("storageProfile.osDisk.name", "osDisk.name"),
    ("storageProfile.osDisk.managedDisk.id", "osDisk.managedDisk.id"),
    ("availabilitySet.id", "availabilitySet.id"),
    ("priority", "priority"),
)  # fmt: skip
"""Where in `properties`, and what Azure calls it (source: document for most)."""


def check(call: Call, draft: Draft) -> None:
    """Refuse what no machine can be, and changes of what is for life."""
    _check_size(call, draft)
    if draft.is_new:
        resolve_image(draft)
        _check_login(draft)
        _check_place(call, draft)
    else:
        _check_kept(draft)


def _at(properties: Any, path: str) -> Any:
    for name in path.split("."):
        properties = properties.get(name) if isinstance(properties, dict) else None
    return properties


def _check_kept(draft: Draft) -> None:
    before = draft.before or {}
    if before.get("zones") != draft.body.get("zones"):
        raise changed("zones")
    _keep_exact(draft)
    for path, called in FOR_LIFE:
        old, new = _at(before["properties"], path), _at(draft.properties, path)
        same = ids.key(old) == ids.key(new) if _are_ids(path, old, new) else old == new
        if not same:
            raise changed(called)


def _are_ids(path: str, old: Any, new: Any) -> bool:
    return path.endswith(".id") and isinstance(old, str) and isinstance(new, str)


def _keep_exact(draft: Draft) -> None:
    """Keep the version that `latest` meant when the machine was made."""
    old = _at((draft.before or {})["properties"], "storageProfile.imageReference") or {}
    new = _at(draft.properties, "storageProfile.imageReference")
    if isinstance(new, dict) and "exactVersion" in old:
        new["exactVersion"] = old["exactVersion"]


def _check_size(call: Call, draft: Draft) -> None:
    del call
    name = _at(draft.properties, "hardwareProfile.vmSize") or "Standard_A1_v2"
    size = sizes.find(name)
    if size is None:
        some = ",".join(sorted(each.name for each in sizes.SIZES.values()))
        message = (
            f"The value {ascii(name)[1:81]} provided for the VM size is not valid. The valid sizes "
            f"in the current region are: {some}. Find out more on the valid VM sizes in each "
            "region at https://aka.ms/azure-regions."
        )
        raise invalid(message, "vmSize")
    draft.properties.setdefault("hardwareProfile", {})["vmSize"] = name
    disks = len(draft.properties.get("storageProfile", {}).get("dataDisks", ()))
    if disks > size.disks:
        raise not_allowed(
            "The maximum number of data disks allowed to be attached to a VM of this size is "
            f"{size.disks}.",
            target="dataDisks",
        )


def resolve_image(draft: Draft) -> None:
    """Find the version that is meant, and with it the system and the size of its disk.

    Raises:
        ArmError: If a new machine names no image and attaches no disk, or one there is not.
    """
    storage = draft.properties.get("storageProfile", {})
    disk, image = storage.get("osDisk", {}), storage.get("imageReference")
    if disk.get("createOption") == "Attach":
        if "osType" not in disk:
            message = "Required parameter 'osDisk.osType' is missing (null)."
            raise invalid(message, "osDisk.osType")
        return
    if not image:
        raise invalid("Required parameter 'imageReference' is missing (null).", "imageReference")
    if "publisher" not in image:
        _of_own_image(draft, disk)
        return
    offer = images.find(image["publisher"], image.get("offer", ""), image.get("sku", ""))
    number = images.exact(offer, image.get("version", "")) if offer else None
    if offer is None or number is None:
        urn = ":".join(image.get(part, "") for part in ("publisher", "offer", "sku", "version"))
        message = (
            f"The platform image '{urn}' is not available. Verify that all fields in the storage "
            "profile are correct. For more details about storage profile information, please refer "
            "to https://aka.ms/storageprofile."
        )
        raise ArmError(404, "PlatformImageNotFound", message, target="imageReference")
    image["exactVersion"] = number
    disk["osType"] = offer.system
    _size_disk(disk, offer.size_gb)


def _of_own_image(draft: Draft, disk: dict[str, Any]) -> None:
    is_windows = "windowsConfiguration" in draft.properties.get("osProfile", {})
    disk.setdefault("osType", images.WINDOWS if is_windows else images.LINUX)
    _size_disk(disk, 30)


def _size_disk(disk: dict[str, Any], least: int) -> None:
    if disk.setdefault("diskSizeGB", least) < least:
        message = (
            f"The specified disk size {disk['diskSizeGB']} GB is smaller than the size of the "
            f"corresponding disk in the VM image: {least} GB. This is not allowed. Please choose "
            "equal or greater size or do not specify an explicit size."
        )
        raise bad_request("OperationNotAllowed", message, target="osDisk.diskSizeGB")


def _check_login(draft: Draft) -> None:
    storage = draft.properties.get("storageProfile", {})
    profile = draft.properties.get("osProfile")
    if storage.get("osDisk", {}).get("createOption") == "Attach":
        if profile is not None:
            message = "Parameter 'osProfile' is not allowed."
            raise invalid(message, "osProfile")
        return
    if profile is None:
        raise invalid("Required parameter 'osProfile' is missing (null).", "osProfile")
    if not profile.get("adminUsername"):
        message = "Required parameter 'adminUsername' is missing (null)."
        raise invalid(message, "adminUsername")
    profile.setdefault("computerName", ids.name_of(draft.id))
    is_windows = storage["osDisk"]["osType"] == images.WINDOWS
    _complete(profile, is_windows=is_windows)
    if is_windows and "adminPassword" not in profile:
        message = "Required parameter 'adminPassword' is missing (null)."
        raise invalid(message, "adminPassword")
    if not is_windows:
        _check_linux(profile)


def _complete(profile: dict[str, Any], *, is_windows: bool) -> None:
    """Fill in the system's own configuration, and order the profile as Azure shows it."""
    word = "windowsConfiguration" if is_windows else "linuxConfiguration"
    defaults: dict[str, Any] = {"provisionVMAgent": True}
    if is_windows:
        defaults["enableAutomaticUpdates"] = True
    given = {**defaults, **profile.get(word, {})}
    mode = "AutomaticByOS" if is_windows else "ImageDefault"
    patching = {"patchMode": mode, "assessmentMode": "ImageDefault"}
    given["patchSettings"] = patching | given.get("patchSettings", {})
    given.setdefault("enableVMAgentPlatformUpdates", True)
    if not is_windows:
        given.setdefault("disablePasswordAuthentication", "adminPassword" not in profile)
    profile[word] = given
    profile.setdefault("secrets", [])
    profile.setdefault("allowExtensionOperations", True)
    profile.setdefault("requireGuestProvisionSignal", True)


def _check_linux(profile: dict[str, Any]) -> None:
    linux = profile["linuxConfiguration"]
    keys = linux.get("ssh", {}).get("publicKeys", ())
    if not keys and "adminPassword" not in profile:
        message = (
            "Authentication using either SSH or by user name and password must be enabled in Linux "
            "profile."
        )
        raise invalid(message, "linuxConfiguration")
    if linux["disablePasswordAuthentication"] and "adminPassword" in profile and not keys:
        message = "Parameter 'adminPassword' is not allowed."
        raise invalid(message, "adminPassword")
    for path in _wrong_paths(keys, profile["adminUsername"]):
        message = (
            f"Destination path for SSH public keys is currently limited to its default value "
            f"/home/{profile['adminUsername']}/.ssh/authorized_keys due to a known issue in Linux "
            f"provisioning agent; it is {ascii(path)[1:201]}."
        )
        raise invalid(message, "linuxConfiguration.ssh.publicKeys.path")


def _wrong_paths(keys: Any, user: str) -> Iterator[str]:
    right = f"/home/{user}/.ssh/authorized_keys"
    return (key["path"] for key in keys if key.get("path", right) != right)


def _check_place(call: Call, draft: Draft) -> None:
    together = draft.properties.get("availabilitySet")
    if together and draft.body.get("zones"):
        message = "A virtual machine cannot be in an availability set and in an availability zone."
        raise bad_request("BadRequest", message)
    record = call.get(together["id"]) if together else None
    if record is None:
        return
    body = record.body()
    if body["location"] != draft.body["location"]:
        message = f"Availability set {record.id} is not in location '{draft.body['location']}'."
        raise bad_request("InvalidParameter", message, target="availabilitySet.id")
    if body["sku"]["name"] != "Aligned":
        raise not_allowed(
            "Addition of a VM with managed disks to non-managed Availability Set or addition of a "
            "VM with blob based disks to managed Availability Set is not supported. Please create "
            "an Availability Set with 'managed' property set in order to add a VM with managed "
            "disks to it."
        )
