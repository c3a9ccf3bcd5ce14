"""The few things asked of the kernel: namespaces, cables, routes, rules, settings.

All of it by iproute2 and nft, many lines to one process; what fails says what was asked.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from azuresim.fabric.namespaces import NAMED, inside

LONGEST_S: Final = 60.0
"""Nothing asked here takes a tenth of a second; a kernel that needs this long is stuck."""
TOOLS: Final = ("ip", "nft", "nsenter")


class KernelError(RuntimeError):
    """The kernel, or a tool that speaks to it, refused."""


def missing() -> str:
    """Return which tools are not installed, with the remedy, or nothing."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    remedy = "apt-get install iproute2 nftables util-linux"
    return f"{', '.join(lacking)} not installed: {remedy}" if lacking else ""


def namespaces() -> list[str]:
    """Return the names of all network namespaces that have one."""
    return sorted(path.name for path in NAMED.iterdir()) if NAMED.is_dir() else []


def occupied() -> set[str]:
    """Return the names of the namespaces that processes are in."""
    inodes = set()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):  # it ended meanwhile
                inodes.add((process / "ns/net").stat().st_ino)
    return {name for name in namespaces() if (NAMED / name).stat().st_ino in inodes}


def devices(namespace: str) -> list[str]:
    """Return the names of a namespace's interfaces, its loopback left out.

    Raises:
        KernelError: There is no such namespace.
    """
    lines = run("ip", "-n", namespace, "-br", "link").splitlines()
    names = (line.split()[0].partition("@")[0] for line in lines if line.strip())
    return [name for name in names if name != "lo"]


def add_namespace(name: str, settings: Mapping[str, str]) -> None:
    """Make a namespace with its loopback up and settings in force.

    Args:
        name: Of the namespace.
        settings: Values by path below /proc/sys/net.

    Raises:
        KernelError: It is there already, or could not be made.
    """
    run("ip", "netns", "add", name)
    ip(name, ["link set lo up"])
    put(name, settings)


def put(namespace: str, settings: Mapping[str, str]) -> None:
    """Put settings in force in a namespace; those this kernel lacks are left out.

    Raises:
        KernelError: One was refused.
    """
    try:
        with inside(namespace):
            for path, value in settings.items():
                setting = Path("/proc/sys/net", path)
                if setting.exists():
                    setting.write_text(value)
    except OSError as error:
        raise KernelError(f"{namespace}: {error}") from error


def remove_namespace(name: str) -> None:
    """Take a namespace's name away, and with the last process in it all it holds; none is fine."""
    if (NAMED / name).exists():
        run("ip", "netns", "del", name)


def ip(namespace: str, lines: Iterable[str], *, force: bool = False) -> None:
    """Do what lines of `ip` say in a namespace, in their order.

    Args:
        namespace: Where.
        lines: Without the leading `ip`.
        force: Go on after a line that failed, and say nothing of it.

    Raises:
        KernelError: A line failed; those before it are done.
    """
    text = "\n".join(lines)
    if text:
        words = ["ip", "-n", namespace, *(["-force"] if force else []), "-batch", "-"]
        run(*words, stdin=text + "\n", check=not force)


def nft(namespace: str, text: str) -> None:
    """Do what a script of nft says in a namespace, all of it or nothing.

    Raises:
        KernelError: It was refused.
    """
    run("nsenter", f"--net={NAMED / namespace}", "--", "nft", "-f", "-", stdin=text)


def run(*words: str, stdin: str = "", check: bool = True) -> str:
    """Run a tool and return what it prints.

    Raises:
        KernelError: It failed, unless that does not matter, or it never ended.
    """
    shown = " ".join(words)
    try:
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            words, input=stdin, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelError(f"{shown}: {error}") from error
    if check and done.returncode:
        raise KernelError(f"{shown}: {_first(done.stderr.splitlines())}")
    return done.stdout


def _first(lines: Sequence[str]) -> str:
    return " / ".join(line.strip() for line in lines[:3]) or "failed without a word"
