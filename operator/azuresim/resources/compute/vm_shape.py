"""What the body of a virtual machine consists of."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from azuresim import ids
from azuresim.clock import timestamp
from azuresim.resources.call import Call
from azuresim.resources.schema import (
    MISSING,
    Anything,
    Choice,
    Field,
    Flag,
    Items,
    Number,
    Place,
    Ref,
    Shape,
    Text,
    generated,
    read_only,
    shape,
)
from azuresim.state.records import Link

DISK: Final = "Microsoft.Compute/disks"
KINDS: Final = (
    "Standard_LRS", "StandardSSD_LRS", "StandardSSD_ZRS", "Premium_LRS", "Premium_ZRS",
    "PremiumV2_LRS", "UltraSSD_LRS",
)  # fmt: skip
CACHING: Final = Choice(words=("None", "ReadOnly", "ReadWrite"), sticky=True)
DELETION: Final = Choice(words=("Detach", "Delete"), sticky=True)
ROUNDS: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Password(Field):
    """A password: kept as a salted digest, so that a change shows and nothing else does."""

    secret: bool = True
    sticky: bool = True

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Return the digest; the one that is kept if it is the same password."""
        if not isinstance(given, str) or not given:
            raise place.wrong("a string is expected.")
        if given == kept:
            return kept  # a merge sends back what is stored
        salt = kept.split("$")[0] if isinstance(kept, str) else secrets.token_hex(8)
        digest = hashlib.pbkdf2_hmac("sha256", given.encode(), salt.encode(), ROUNDS).hex()
        made = f"{salt}${digest}"
        return kept if isinstance(kept, str) and hmac.compare_digest(made, kept) else made


@dataclass(frozen=True, kw_only=True)
class Reference(Shape):
    """An object that refers to a resource by its `id`, and says more about the reference.

    Attributes:
        target: Full type of what is referred to.
        shows: Property of the target that names the referrer; empty for none.
        needed: The id must be there.
    """

    target: str
    shows: str = ""
    needed: bool = False

    def accept(self, given: Any, kept: Any, place: Place) -> Any:
        """Check the rest as a shape does, and the id as a reference."""
        before = kept if isinstance(kept, dict) else {}
        rest = {n: v for n, v in given.items() if n != "id"} if isinstance(given, dict) else given
        stored: dict[str, Any] = super().accept(rest, before, place)
        resource_id = given.get("id") or (None if self.needed else before.get("id"))
        if resource_id is None and not self.needed:
            return stored
        reference = Ref(kind=self.target).accept({"id": resource_id}, MISSING, place)
        return {**stored, **reference}

    def links(self, value: Any, owner: str) -> Iterator[Link]:
        """Yield the reference, if there is one."""
        if "id" in value:
            yield Link(ids.key(value["id"]), owner, self.shows, bool(self.shows), optional=False)

    def may_link(self) -> bool:
        """Say yes."""
        return True


MANAGED_DISK: Final = Reference(
    target=DISK,
    members={
        "storageAccountType": Choice(words=KINDS, sticky=True),
        "diskEncryptionSet": Anything(sticky=True),
        "securityProfile": Anything(sticky=True),
    },
    sticky=True,
)
IMAGE: Final = Shape(
    members={
        "id": Text(),
        "publisher": Text(),
        "offer": Text(),
        "sku": Text(),
        "version": Text(),
        "exactVersion": read_only(),
        "sharedGalleryImageId": Text(),
        "communityGalleryImageId": Text(),
    },
    sticky=True,
)
OS_DISK: Final = Shape(
    members={
        "osType": Choice(words=("Windows", "Linux"), sticky=True),
        "name": Text(longest=80, sticky=True),
        "createOption": Choice(words=("FromImage", "Attach", "Empty", "Copy"), required=True),
        "caching": CACHING,
        "writeAcceleratorEnabled": Flag(sticky=True),
        "diffDiskSettings": Anything(sticky=True),
        "managedDisk": MANAGED_DISK,
        "deleteOption": DELETION,
        "diskSizeGB": Number(low=1, high=4095, sticky=True),
        "vhd": Anything(),
        "image": Anything(),
        "encryptionSettings": Anything(sticky=True),
    },
    sticky=True,
)
DATA_DISK: Final = Shape(
    members={
        "lun": Number(low=0, high=63, required=True),
        "name": Text(longest=80, sticky=True),
        "createOption": Choice(
            words=("Attach", "Empty", "FromImage", "Copy", "Restore"), required=True
        ),
        "caching": CACHING,
        "writeAcceleratorEnabled": Flag(sticky=True),
        "managedDisk": MANAGED_DISK,
        "deleteOption": DELETION,
        "diskSizeGB": Number(low=1, high=65_536, sticky=True),
        "toBeDetached": Flag(default=False),
        "detachOption": Text(),
        "sourceResource": Anything(),
    }
)
NETWORK_INTERFACE: Final = Reference(
    target="Microsoft.Network/networkInterfaces",
    shows="virtualMachine",
    needed=True,
    members={"properties": shape(primary=Flag(), deleteOption=DELETION)},
)
PATCHING: Final = shape(
    patchMode=Text(sticky=True),
    assessmentMode=Text(sticky=True),
    enableHotpatching=Flag(sticky=True),
    automaticByPlatformSettings=Anything(sticky=True),
)
WINDOWS: Final = shape(
    provisionVMAgent=Flag(sticky=True),
    enableAutomaticUpdates=Flag(sticky=True),
    timeZone=Text(sticky=True),
    additionalUnattendContent=Anything(sticky=True, secret=True),
    winRM=Anything(sticky=True),
    patchSettings=PATCHING,
    enableVMAgentPlatformUpdates=Flag(sticky=True),
)
LINUX: Final = shape(
    disablePasswordAuthentication=Flag(sticky=True),
    ssh=shape(publicKeys=Items(of=shape(path=Text(), keyData=Text()), sticky=True)),
    provisionVMAgent=Flag(sticky=True),
    patchSettings=PATCHING,
    enableVMAgentPlatformUpdates=Flag(sticky=True),
)
OS_PROFILE: Final = Shape(
    members={
        "computerName": Text(longest=64, sticky=True),
        "adminUsername": Text(longest=64, sticky=True),
        "adminPassword": Password(),
        "customData": Text(sticky=True, secret=True, longest=87_380),
        "windowsConfiguration": Shape(members=WINDOWS.members, sticky=True),
        "linuxConfiguration": Shape(members=LINUX.members, sticky=True),
        "secrets": Items(of=Anything(), sticky=True),
        "allowExtensionOperations": Flag(sticky=True),
        "requireGuestProvisionSignal": Flag(sticky=True),
    },
    sticky=True,
)
PROPERTIES: Final = shape(
    hardwareProfile=Shape(
        members={"vmSize": Text(sticky=True), "vmSizeProperties": Anything(sticky=True)},
        sticky=True,
    ),
    vmId=generated(Call.new_guid),
    storageProfile=Shape(
        members={
            "imageReference": IMAGE,
            "osDisk": OS_DISK,
            "dataDisks": Items(of=DATA_DISK, sticky=True, default=[]),
            "diskControllerType": Text(sticky=True),
            "alignRegionalDisksToVMZone": Flag(sticky=True),
        },
        sticky=True,
    ),
    osProfile=OS_PROFILE,
    networkProfile=Shape(
        members={
            "networkInterfaces": Items(of=NETWORK_INTERFACE, sticky=True),
            "networkApiVersion": Text(),
        },
        sticky=True,
    ),
    diagnosticsProfile=shape(
        bootDiagnostics=shape(enabled=Flag(), storageUri=Text(longest=2048)),
    ),
    availabilitySet=Ref(kind="Microsoft.Compute/availabilitySets", shows="virtualMachines"),
    proximityPlacementGroup=Ref(optional=True, sticky=True),
    priority=Choice(words=("Regular", "Low", "Spot"), sticky=True),
    evictionPolicy=Choice(words=("Deallocate", "Delete"), sticky=True),
    billingProfile=Anything(sticky=True),
    licenseType=Text(sticky=True),
    additionalCapabilities=Anything(sticky=True),
    securityProfile=Anything(sticky=True),
    applicationProfile=Anything(sticky=True),
    scheduledEventsProfile=Anything(sticky=True),
    scheduledEventsPolicy=Anything(sticky=True),
    capacityReservation=Anything(sticky=True),
    extensionsTimeBudget=Text(sticky=True),
    platformFaultDomain=Number(low=0, sticky=True),
    userData=Text(sticky=True, secret=True, longest=87_380),
    timeCreated=Anything(
        read_only=True, default=lambda call: timestamp(call.now), since="2021-11-01"
    ),
    domains=read_only(secret=True),
    power=read_only(secret=True),
    action=read_only(secret=True),
)
"""The last three are the simulator's own: domains in the availability set, power, action run."""
