"""What each kind of resource and monitor takes: its own fields, read strictly.

The functions return the `options` that the runtime's parts rely on. Names are the wire's,
which are those of the cluster object wherever it has them.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from hacluster_node.settings.reader import Reader

Options = Dict[str, Any]
PROBE_PORT = 26001
_PORT = (1, 65535)
_ARM_ID = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/.+/.+", re.IGNORECASE)


def arm_id(text: str) -> None:
    """Accept an ARM resource id; ValueError otherwise."""
    if not _ARM_ID.match(text):
        raise ValueError(text)


def absolute(text: str) -> None:
    """Accept an absolute path; ValueError otherwise."""
    if not text.startswith("/") or "\0" in text:
        raise ValueError(text)


def web_address(text: str) -> None:
    """Accept an http or https address; ValueError otherwise."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(text)


def _probe_port(reader: Reader) -> Options:
    return {
        "port": reader.whole("port", PROBE_PORT, *_PORT),
        "protocol": reader.one_of("protocol", ("HTTP", "TCP"), "HTTP"),
    }


def _azure_dns(reader: Reader) -> Options:
    return {
        "zoneId": reader.checked("zoneId", arm_id, "an ARM id of a DNS zone"),
        "recordSet": reader.text("recordSet"),
        "ttlSeconds": reader.whole("ttlSeconds", 60, 1, 2147483647),
        "visibility": reader.one_of("visibility", ("Public", "Private"), "Public"),
    }


def _loopback(reader: Reader) -> Options:
    return {"address": reader.checked("address", ipaddress.ip_address, "an IP address")}


def _script(reader: Reader) -> Options:
    return {
        "start": _program(reader, "start"),
        "stop": _program(reader, "stop") if reader.has("stop") else reader.texts("stop", ()),
        "endLeftovers": reader.flag("endLeftovers", default=True),
    }


def _systemd(reader: Reader) -> Options:
    unit = reader.text("unit")
    if unit and "." not in unit:
        reader.fault("unit", f"{unit!r} has no type; write {unit + '.service'!r}")
    return {"unit": unit}


def _file_system(reader: Reader) -> Options:
    return {"device": reader.checked("device", absolute, "an absolute path"), **_mount(reader)}


def _shared_disk(reader: Reader) -> Options:
    reserved = reader.flag("reservation", default=True)
    return {**_file_system(reader), "reservation": reserved}


def _mirror_disk(reader: Reader) -> Options:
    options = {
        "minor": reader.whole("minor", 0, 0, 1048575),
        "port": reader.whole("port", 7789, *_PORT),
        **_mount(reader),
    }
    if reader.has("disk"):
        options["disk"] = reader.checked("disk", absolute, "an absolute path")
        options["metadataSizeMiB"] = reader.whole("metadataSizeMiB", 1024, 128, 1 << 20)
        return options
    options["dataDevice"] = reader.checked("dataDevice", absolute, "an absolute path")
    if reader.has("metadataDevice"):
        options["metadataDevice"] = reader.checked("metadataDevice", absolute, "an absolute path")
    return options


def _mount(reader: Reader) -> Options:
    return {
        "mountPath": reader.checked("mountPath", absolute, "an absolute path"),
        "fileSystem": reader.text("fileSystem", "ext4"),
        "mountOptions": reader.text("mountOptions", ""),
    }


def _program(reader: Reader, field: str) -> tuple[str, ...]:
    argv = reader.texts(field)
    if argv and not argv[0].startswith("/"):
        reader.fault(field, f"{argv[0]!r} is not an absolute path; write the whole path")
    return argv


def _of_resource(reader: Reader) -> Options:
    return {"resource": reader.name("resource")}


def _load_balance(reader: Reader) -> Options:
    return {"port": reader.whole("port", PROBE_PORT, *_PORT)}


def _custom(reader: Reader) -> Options:
    if reader.has("portCheck"):
        inner = reader.child("portCheck")
        options: Options = {"portCheck": _host_and_port(inner)}
        inner.done()
    else:
        options = {"script": _program(reader, "script")}
    return options


def _host_and_port(reader: Reader) -> Options:
    return {"host": reader.text("host"), "port": reader.whole("port", None, *_PORT)}


def _ping(reader: Reader) -> Options:
    addresses = reader.texts("addresses")
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            reader.fault("addresses", f"{address!r} is not an IP address")
    return {"addresses": addresses}


def _http(reader: Reader) -> Options:
    return {
        "url": reader.checked("url", web_address, "an http or https address"),
        "statuses": reader.wholes("statuses", 100, 599),
    }


def _process(reader: Reader) -> Options:
    count = {"count": reader.whole("count", 1, 1, 100000)}
    if reader.has("command"):
        return {"command": reader.text("command"), **count}
    return {"name": reader.text("name"), **count}


def _nothing(_reader: Reader) -> Options:
    return {}


RESOURCES: Mapping[str, Callable[[Reader], Options]] = {
    "ProbePort": _probe_port,
    "AzureDNS": _azure_dns,
    "LoopbackAddress": _loopback,
    "Script": _script,
    "Systemd": _systemd,
    "FileSystem": _file_system,
    "SharedDisk": _shared_disk,
    "MirrorDisk": _mirror_disk,
}
MONITORS: Mapping[str, Callable[[Reader], Options]] = {
    "ProbePort": _of_resource,
    "LoadBalance": _load_balance,
    "AzureDNS": _of_resource,
    "Mirror": _of_resource,
    "Custom": _custom,
    "Ping": _ping,
    "HTTP": _http,
    "MultiTarget": _nothing,
    "Process": _process,
}
TARGETS: Mapping[str, Callable[[Reader], Options]] = {
    "Ping": _ping,
    "TCP": _host_and_port,
    "HTTP": _http,
}


def field_of(kind: str) -> str:
    """Return the field that holds a kind's own settings: `ProbePort` -> `probePort`."""
    known = {"HTTP": "http", "TCP": "tcp", "AzureDNS": "azureDNS"}
    return known.get(kind, kind[0].lower() + kind[1:])
