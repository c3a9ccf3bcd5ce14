"""Debian packages for the parts that make networks and machines.

Only root can use those, and only root installs. Without them the rest works: what needs one of
them says so, by name, when it is asked for.
"""

import os
import shutil
from dataclasses import dataclass
from typing import Final

from hacluster_local.setup import cache
from hacluster_local.setup.checkout import ROOT
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import say, step

SEARCH: Final = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
DOWNLOAD_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A Debian package, and a program by which its presence is known."""

    name: str
    program: str


PACKAGES: Final = (
    Package(name="iproute2", program="ip"),
    Package(name="iputils-ping", program="ping"),
    Package(name="nftables", program="nft"),
    Package(name="tcpdump", program="tcpdump"),
    Package(name="systemd-container", program="systemd-nspawn"),
    Package(name="debootstrap", program="debootstrap"),
    Package(name="curl", program="curl"),
)


def missing() -> list[str]:
    """Return the names of the packages whose programs are not on this machine."""
    return [each.name for each in PACKAGES if shutil.which(each.program, path=SEARCH) is None]


def ensure() -> None:
    """Install what is missing if this is root on Debian; else say what is left out, and go on."""
    names = missing()
    if not names:
        return
    if not may_install():
        say(f"Left out, as only root on Debian gets it: networks, machines ({', '.join(names)}).")
        return
    try:
        install(names)
    except SetupError as failure:
        line = f"apt-get install {' '.join(names)}"
        say(f"{failure}\n\nGoing on without: networks and machines. Try by hand: {line}")


def may_install() -> bool:
    """Tell whether this is root, on a system with Debian's packages."""
    return os.geteuid() == 0 and shutil.which("apt-get", path=SEARCH) is not None


def install(names: list[str]) -> None:
    """Install Debian packages.

    Raises:
        SetupError: It failed in every try; the message has the end of apt-get's output.
    """
    around = Surroundings(
        log=cache.root() / "log" / "debian.log",
        directory=ROOT,
        environment={"DEBIAN_FRONTEND": "noninteractive"},
        tries=DOWNLOAD_TRIES,
    )
    with step(f"Install Debian packages: {', '.join(names)}", "about 30 s") as current:
        run(["apt-get", "update"], around, current)
        run(["apt-get", "install", "-y", "--no-install-recommends", *names], around, current)
