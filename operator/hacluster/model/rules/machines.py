"""Rules about placement, machines and disks."""

from typing import TYPE_CHECKING, Final

from hacluster.model.base import Invariant
from hacluster.model.rules.changes import keeps

if TYPE_CHECKING:
    from hacluster.model.cluster import ClusterSpec
    from hacluster.model.machines import Admin, DataDisk, Image, Machines, Node, Placement

_RESERVED_USERS: Final = (
    "1", "123", "a", "actuser", "adm", "admin", "admin1", "admin2", "administrator", "aspnet",
    "backup", "console", "david", "guest", "john", "owner", "root", "server", "sql", "support",
    "support_388945a0", "sys", "test", "test1", "test2", "test3", "user", "user1", "user2",
    "user3", "user4", "user5",
)  # fmt: skip
"""Azure refuses them: "The Admin Username specified is not allowed"."""

_WINDOWS_NAME: Final = 15
_WINDOWS_USER: Final = 20


def _is_placed_once(placement: "Placement") -> bool:
    return placement.availability_set is None or placement.type == "AvailabilitySet"


PLACED_ONCE: Final = Invariant(
    message="an availability set goes with type: AvailabilitySet only: write that type, or leave "
    "availabilitySet out",
    holds=_is_placed_once,
    cel="!has(self.availabilitySet) || self.type == 'AvailabilitySet'",
    field="availabilitySet",
)


def _is_one_image(image: "Image") -> bool:
    parts = (image.publisher, image.offer, image.sku)
    return all(parts) if image.id is None else not any(parts)


ONE_IMAGE: Final = Invariant(
    message="write publisher, offer and sku of a platform image, or the id of one of your own",
    holds=_is_one_image,
    cel=(
        "has(self.id) ? !has(self.publisher) && !has(self.offer) && !has(self.sku)"
        " : has(self.publisher) && has(self.offer) && has(self.sku)"
    ),
)


def _is_free_user(admin: "Admin") -> bool:
    return admin.username.lower() not in _RESERVED_USERS


def _has_way_in(admin: "Admin") -> bool:
    return admin.password_secret_ref is not None or len(admin.ssh_public_keys) > 0


ADMIN: Final = (
    Invariant(
        message="Azure refuses common names such as admin, root and user: write another one",
        holds=_is_free_user,
        cel=f"!(self.username.lowerAscii() in {list(_RESERVED_USERS)})",
        field="username",
    ),
    Invariant(
        message="write sshPublicKeys, or a passwordSecretRef, or both",
        holds=_has_way_in,
        cel="has(self.passwordSecretRef) || size(self.sshPublicKeys) > 0",
    ),
)


def _is_complete(machines: "Machines") -> bool:
    return machines.management == "Existing" or None not in (machines.image, machines.admin)


def _is_windows_ready(machines: "Machines") -> bool:
    admin = machines.admin
    if machines.operating_system != "Windows" or admin is None:
        return True
    return admin.password_secret_ref is not None and not admin.ssh_public_keys


def _is_short_user(machines: "Machines") -> bool:
    admin, is_windows = machines.admin, machines.operating_system == "Windows"
    return not is_windows or admin is None or len(admin.username) <= _WINDOWS_USER


MACHINES: Final = (
    keeps("management", "machines cannot change hands: keep management, or make a new object"),
    keeps("operatingSystem", "keep operatingSystem, or make a new object"),
    Invariant(
        message="write image and admin, which new machines need, or management: Existing",
        holds=_is_complete,
        cel="self.management == 'Existing' || (has(self.image) && has(self.admin))",
    ),
    Invariant(
        message="Windows takes a password and no SSH keys: write passwordSecretRef alone",
        holds=_is_windows_ready,
        cel=(
            "self.operatingSystem != 'Windows' || !has(self.admin)"
            " || (has(self.admin.passwordSecretRef) && size(self.admin.sshPublicKeys) == 0)"
        ),
        field="admin",
    ),
    Invariant(
        message="the name of Windows' administrator has at most 20 characters: write a shorter one",
        holds=_is_short_user,
        cel=(
            "self.operatingSystem != 'Windows' || !has(self.admin)"
            f" || size(self.admin.username) <= {_WINDOWS_USER}"
        ),
        field="admin.username",
    ),
)

NO_SHRINKING: Final = Invariant(
    message="Azure cannot shrink a disk: write at least the size that it has",
    cel="self.sizeGiB >= oldSelf.sizeGiB",
    field="sizeGiB",
)


def _luns_differ(disks: "tuple[DataDisk, ...]") -> bool:
    return len({disk.lun for disk in disks}) == len(disks)


LUNS: Final = Invariant(
    message="two disks of a node cannot share a lun: write another number from 0 to 63",
    holds=_luns_differ,
    cel="self.all(one, self.exists_one(other, other.lun == one.lun))",
)


def _names_differ(nodes: "tuple[Node, ...]") -> bool:
    return len({node.name.lower() for node in nodes}) == len(nodes)


def _addresses_differ(nodes: "tuple[Node, ...]") -> bool:
    return len({node.private_ip_address for node in nodes}) == len(nodes)


def _disk_names_differ(nodes: "tuple[Node, ...]") -> bool:
    names = [disk.name.lower() for node in nodes for disk in node.data_disks]
    return len(set(names)) == len(names)


NODES: Final = (
    Invariant(
        message="two nodes have one name (Azure ignores case): write a name of its own for each",
        holds=_names_differ,
        cel=(
            "self.all(one, self.exists_one(other,"
            " other.name.lowerAscii() == one.name.lowerAscii()))"
        ),
    ),
    Invariant(
        message="two nodes have one privateIPAddress: write an address of its own for each",
        holds=_addresses_differ,
        cel=(
            "self.all(one, self.exists_one(other, other.privateIPAddress == one.privateIPAddress))"
        ),
    ),
    Invariant(
        message="two data disks have one name: write a name of its own for each, also on "
        "different nodes",
        holds=_disk_names_differ,
        cel=(
            "self.all(node, node.dataDisks.all(disk, self.exists_one(other,"
            " other.dataDisks.exists(each, each.name.lowerAscii() == disk.name.lowerAscii()))))"
        ),
    ),
)


def _is_managed(spec: "ClusterSpec") -> bool:
    return spec.machines.management == "Managed"


def _has_sizes(spec: "ClusterSpec") -> bool:
    sizes = (node.size or spec.machines.size for node in spec.nodes)
    return not _is_managed(spec) or all(sizes)


def _has_zones(spec: "ClusterSpec") -> bool:
    if not _is_managed(spec) or spec.placement.type != "Zones":
        return True
    return all(node.zone for node in spec.nodes)


def _has_no_zones(spec: "ClusterSpec") -> bool:
    return spec.placement.type == "Zones" or not any(node.zone for node in spec.nodes)


def _has_windows_names(spec: "ClusterSpec") -> bool:
    if spec.machines.operating_system != "Windows":
        return True
    names = [node.name for node in spec.nodes]
    return all(len(name) <= _WINDOWS_NAME and not name.isdigit() for name in names)


def _has_windows_agent(spec: "ClusterSpec") -> bool:
    return spec.machines.operating_system != "Windows" or spec.cluster.node_agent == "External"


def _has_fitting_files(spec: "ClusterSpec") -> bool:
    files = spec.cluster.node_configuration.files
    if spec.machines.operating_system != "Windows":
        return all(file.path.startswith("/") for file in files)
    return all(not file.path.startswith("/") and file.owner == "root" for file in files)


SPEC: Final = (
    Invariant(
        message="a machine's placement cannot change: keep it, or allow standby nodes to be "
        "rebuilt by management.replacement: OneAtATime",
        cel=(
            "self.placement == oldSelf.placement"
            " || self.management.replacement == 'OneAtATime'"
            " || self.machines.management == 'Existing'"
        ),
        field="placement",
    ),
    Invariant(
        message="write the machines' size, for example Standard_B2s, here or for each node",
        holds=_has_sizes,
        cel=(
            "self.machines.management == 'Existing' || has(self.machines.size)"
            " || self.nodes.all(node, has(node.size))"
        ),
        field="machines.size",
    ),
    Invariant(
        message='placement in zones needs a zone for each node, for example zone: "1"',
        holds=_has_zones,
        cel=(
            "self.machines.management == 'Existing' || self.placement.type != 'Zones'"
            " || self.nodes.all(node, has(node.zone))"
        ),
        field="nodes",
    ),
    Invariant(
        message="a zone excludes an availability set: write placement.type: Zones, or leave the "
        "nodes' zones out",
        holds=_has_no_zones,
        cel="self.placement.type == 'Zones' || !self.nodes.exists(node, has(node.zone))",
        field="placement.type",
    ),
    Invariant(
        message="names of Windows machines have at most 15 characters and not only digits: write "
        "other ones",
        holds=_has_windows_names,
        cel=(
            "self.machines.operatingSystem != 'Windows' || self.nodes.all(node,"
            f" size(node.name) <= {_WINDOWS_NAME} && !node.name.matches('^[0-9]+$'))"
        ),
        field="nodes",
    ),
    Invariant(
        message="our agent does not run on Windows yet: write nodeAgent: External",
        holds=_has_windows_agent,
        cel=("self.machines.operatingSystem != 'Windows' || self.cluster.nodeAgent == 'External'"),
        field="cluster.nodeAgent",
    ),
    Invariant(
        message="write paths that begin with / on Linux; on Windows paths that begin with a drive, "
        "and no owner",
        holds=_has_fitting_files,
        cel=(
            "!has(self.cluster.nodeConfiguration) || !has(self.cluster.nodeConfiguration.files)"
            " || (self.machines.operatingSystem != 'Windows'"
            " ? self.cluster.nodeConfiguration.files.all(one, one.path.startsWith('/'))"
            " : self.cluster.nodeConfiguration.files.all(one, !one.path.startsWith('/')"
            " && one.owner == 'root'))"
        ),
        field="cluster.nodeConfiguration.files",
    ),
)
