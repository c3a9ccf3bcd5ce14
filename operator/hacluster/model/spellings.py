"""How names, addresses and ids are spelled: Azure's naming rules, once each.

The rules are those of Azure's page "Naming rules and restrictions for Azure resources". They are
invariants rather than schema patterns, because a pattern's own message is a regular expression and
says nothing to the person who has to write something else.
"""

import ipaddress
import re
from typing import Annotated, Final

from pydantic import Field

from hacluster.model.base import Invariant


def spelled(regex: str, message: str) -> Invariant:
    """Return the rule that a text matches ``regex`` as a whole; its dialect is RE2's."""
    compiled = re.compile(regex, re.ASCII)
    return Invariant(
        message=message,
        holds=lambda text: compiled.fullmatch(text) is not None,
        cel=f"self.matches({_quoted(f'^(?:{regex})$')})",
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def is_ipv4(text: str) -> bool:
    """Say whether a text is an IPv4 address in the usual four numbers."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """Say whether a text is an IPv4 prefix that Azure takes: /8 to /29, no host bits set."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return False
    length = text.partition("/")[2]
    return length == str(network.prefixlen) and 8 <= network.prefixlen <= 29


def is_port_range(text: str) -> bool:
    """Say whether a text of the right form is ``*``, a port, or a range from low to high."""
    ports = [int(port) for port in text.split("-") if port != "*"]
    return ports == sorted(ports) and all(port <= 65535 for port in ports)


GUID: Final = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_LABEL: Final = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"

SubscriptionId = Annotated[
    str,
    Field(max_length=36),
    spelled(GUID, "write the subscription's id, a GUID such as the one `az account show` prints"),
]

ResourceGroupName = Annotated[
    str,
    Field(min_length=1, max_length=90),
    spelled(
        r"[-A-Za-z0-9_.()]*[-A-Za-z0-9_()]",
        "write letters, digits, hyphens, underscores, periods and parentheses, and no period at "
        "the end",
    ),
]

Location = Annotated[
    str,
    Field(max_length=64),
    spelled(
        "[a-z][a-z0-9]*",
        "write the region's name without spaces and in lower case, for example japaneast",
    ),
]

NetworkName = Annotated[
    str,
    Field(max_length=64),
    spelled(
        "[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9_]",
        "write 2 to 64 letters, digits, underscores, periods and hyphens; begin with a letter or "
        "digit and end with one or an underscore",
    ),
]

ResourceName = Annotated[
    str,
    Field(max_length=80),
    spelled(
        "[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?",
        "write 1 to 80 letters, digits, underscores, periods and hyphens; begin with a letter or "
        "digit and end with one or an underscore",
    ),
]
"""A subnet, security group, balancer, address, availability set, disk, or a part of one."""

MachineName = Annotated[
    str,
    Field(max_length=64),
    spelled(
        "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?",
        "write letters, digits and hyphens, and no hyphen at either end: the node's name is its "
        "machine's and its host's name",
    ),
]

MachineSize = Annotated[
    str,
    Field(max_length=64),
    spelled("[A-Za-z][A-Za-z0-9_-]*", "write the name of a machine size such as Standard_B2s"),
]

UserName = Annotated[
    str,
    Field(max_length=64),
    spelled(
        "[A-Za-z_][A-Za-z0-9_.-]*",
        "write letters, digits, underscores, periods and hyphens; begin with a letter",
    ),
]

SshKey = Annotated[
    str,
    Field(max_length=4096),
    spelled(
        r"ssh-(?:rsa|ed25519) [A-Za-z0-9+/]+=*(?: .*)?",
        "write one line of authorized_keys that begins with ssh-rsa or ssh-ed25519: Azure takes "
        "no other kinds",
    ),
]

ZoneNumber = Annotated[
    str,
    Field(max_length=1),
    spelled("[1-9]", 'write the number of a zone in quotes, for example "1"'),
]

ItemName = Annotated[
    str,
    Field(max_length=63),
    spelled(
        "[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?",
        "write letters, digits, underscores, periods and hyphens; begin and end with a letter or "
        "digit",
    ),
]
"""A group, resource, monitor or target of ours."""

ClusterName = Annotated[
    str,
    Field(max_length=48),
    spelled(
        "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?",
        "write letters, digits and hyphens, and no hyphen at either end of the cluster's name",
    ),
]

SecretNameText = Annotated[
    str,
    Field(max_length=253),
    spelled(
        "[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?",
        "write the name of an object in the same namespace: lower-case letters, digits, hyphens "
        "and periods",
    ),
]

KeyText = Annotated[
    str,
    Field(max_length=253),
    spelled("[-._A-Za-z0-9]+", "write a key: letters, digits, hyphens, underscores and periods"),
]

IPv4 = Annotated[
    str,
    Field(max_length=15),
    Invariant(
        message="write an IPv4 address such as 10.5.0.120",
        holds=is_ipv4,
        cel="isIP(self) && ip(self).family() == 4",
    ),
]

Prefix = Annotated[
    str,
    Field(max_length=18),
    Invariant(
        message="write an IPv4 prefix from /8 to /29 without host bits, such as 10.5.0.0/24",
        holds=is_network,
        cel=(
            "isCIDR(self) && cidr(self).ip().family() == 4 && cidr(self) == cidr(self).masked()"
            " && cidr(self).prefixLength() >= 8 && cidr(self).prefixLength() <= 29"
        ),
    ),
]

ZoneName = Annotated[
    str,
    Field(max_length=253),
    spelled(
        rf"(?:{_LABEL}\.)+{_LABEL}",
        "write a DNS zone of at least two labels and without a period at the end, such as "
        "cluster1.example.com",
    ),
]

RecordSetName = Annotated[
    str,
    Field(max_length=253),
    spelled(
        rf"@|{_LABEL}(?:\.{_LABEL})*",
        "write the record set's name relative to its zone, such as www, or @ for the zone itself",
    ),
]

HostName = Annotated[
    str,
    Field(max_length=253),
    spelled(rf"{_LABEL}(?:\.{_LABEL})*", "write a host name or an IPv4 address"),
]

StorageAccountName = Annotated[
    str,
    Field(max_length=24),
    spelled("[a-z0-9]{3,24}", "write 3 to 24 lower-case letters and digits"),
]

ContainerName = Annotated[
    str,
    Field(min_length=3, max_length=63),
    spelled(
        "[a-z0-9](?:-?[a-z0-9])*",
        "write 3 to 63 lower-case letters, digits and single hyphens between them",
    ),
]

PortRange = Annotated[
    str,
    Field(max_length=11),
    spelled(
        r"\*|[0-9]{1,5}(?:-[0-9]{1,5})?",
        'write a port such as "8080", a range such as "8000-8100", or "*"',
    ),
    Invariant(
        message="write ports from 0 to 65535, the smaller one of a range first",
        holds=is_port_range,
        cel=(
            "!self.matches('^[0-9]{1,5}(?:-[0-9]{1,5})?$') || ("
            "self.split('-').all(port, int(port) <= 65535)"
            " && int(self.split('-')[0]) <= int(self.split('-')[size(self.split('-')) - 1]))"
        ),
    ),
]

AddressRange = Annotated[
    str,
    Field(max_length=64),
    spelled(
        r"\*|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?|[A-Za-z][A-Za-z0-9.]*",
        "write an IPv4 address, a prefix such as 10.5.0.0/24, a service tag such as "
        'VirtualNetwork, or "*"',
    ),
]

UrlPath = Annotated[
    str,
    Field(max_length=256),
    spelled(r"/[!-~]*", "write a path that begins with / and has no spaces"),
]

Url = Annotated[
    str,
    Field(max_length=1024),
    spelled(r"https?://[!-~]+", "write an address that begins with http:// or https://"),
]

FileMode = Annotated[
    str,
    Field(max_length=4),
    spelled("0?[0-7]{3}", 'write the mode in quotes, for example "0644"'),
]

SystemName = Annotated[
    str,
    Field(max_length=32),
    spelled("[a-z_][a-z0-9_-]*", "write the name of a user of the nodes"),
]

PackageName = Annotated[
    str,
    Field(max_length=128),
    spelled(
        "[a-z0-9][a-z0-9+.-]*(?:=[A-Za-z0-9.+:~-]+)?",
        "write the name of a package, with =version behind it if it has to be one",
    ),
]

UnitName = Annotated[
    str,
    Field(max_length=255),
    spelled(
        r"[A-Za-z0-9:_.@\\-]+\.(?:service|socket|target|timer|mount|path)",
        "write a systemd unit with its ending, for example app.service",
    ),
]

AbsolutePath = Annotated[
    str,
    Field(max_length=1024),
    spelled(r"/(?:[^\x00-\x1f]*[^\x00-\x1f/])?", "write an absolute path such as /srv/data"),
]

NodePath = Annotated[
    str,
    Field(max_length=1024),
    spelled(
        r"/(?:[^\x00-\x1f]*[^\x00-\x1f/])?"
        r"|[A-Za-z]:\\[^\x00-\x1f<>:\"/|?*]*[^\x00-\x1f<>:\"/|?*\\. ]",
        r"write an absolute path such as /etc/app.conf, or on Windows C:\app\app.conf",
    ),
]
