"""The kernel that emulated machines boot, made once from Debian's packages, downloaded by name.

They are only unpacked, never installed: `vmlinuz`, an `initrd` that mounts the machine's root from
the host, and `layer`, a tree that lies over the machines' Debian: modules, and drbd-utils.
"""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from hacluster_local.setup import cache, debian
from hacluster_local.setup.command import Surroundings, run
from hacluster_local.setup.errors import SetupError
from hacluster_local.setup.progress import say, step

KIND: Final = "guest-kernel"
META: Final = "linux-image-cloud-amd64"
TOOLS: Final = ("drbd-utils", "busybox-static")
EMULATOR: Final = (
    debian.Package(name="qemu-system-x86", program="qemu-system-x86_64"),
    debian.Package(name="qemu-system-common", program="/usr/lib/qemu/virtiofsd"),
    debian.Package(name="kmod", program="depmod"),
)
TREES: Final = (("lib", "usr/lib"), ("sbin", "usr/sbin"), ("etc", "etc"), ("var/lib", "var/lib"))
"""What of the packages goes where over the machines' Debian, whose /lib is a link to /usr/lib."""
MODULES: Final = ("virtio_pci", "virtiofs", "virtio_net", "virtio_scsi", "sd_mod", "virtio_console")
INIT: Final = Path(__file__).with_name("guest_init.sh")
EDITION: Final = "3"
"""To be raised when the tree is made another way from the same packages."""


def why_not() -> str:
    """Return why this machine cannot emulate machines, or nothing."""
    if platform.machine() != "x86_64":
        return "emulated machines are x86-64 ones on x86-64"
    absent = [
        each.name for each in EMULATOR if shutil.which(each.program, path=debian.SEARCH) is None
    ]
    return f"{' and '.join(absent)} is not installed" if absent else ""


def find_or_make() -> Path:
    """Return the folder; make it, which takes about 20 seconds, if nobody has yet.

    Raises:
        SetupError: The emulator or a package cannot be had; says why.
    """
    if why_not() and debian.may_install():
        debian.install([each.name for each in EMULATOR])
    if why := why_not():
        raise SetupError(f"There can be no emulated machines here: {why}.")
    image = _image()
    key = cache.digest(EDITION, image, *TOOLS, INIT)
    return cache.entry(KIND, key, lambda draft: _make(draft, image))


def _image() -> str:
    """Return the package with the kernel that Debian's package of the current one names."""
    found = _depends()
    if not found and debian.may_install():
        around = Surroundings(log=_log(), directory=Path("/"), environment={}, tries=3)
        with step("Read Debian's package lists", "10 s") as current:
            run(["apt-get", "update"], around, current)
        found = _depends()
    if not found:
        raise SetupError(f"apt knows no package {META}. Run: apt-get update")
    return found


def _depends() -> str:
    program = shutil.which("apt-cache", path=debian.SEARCH)
    if program is None:
        return ""
    shown = subprocess.run(  # noqa: S603 - our own words
        [program, "depends", META], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"Depends: (linux-image-\S+)", shown)
    return found[1] if found else ""


def _log() -> Path:
    return cache.root() / "log" / "guest-kernel.log"


def _make(draft: Path, image: str) -> None:
    around = Surroundings(log=_log(), directory=draft, environment={}, tries=3)
    unpacked = draft / "unpacked"
    with step("Download the kernel of emulated machines (30 MB)", "about 20 s") as current:
        words = ["apt-get", "-o", "APT::Sandbox::User=root", "download", image, *TOOLS]
        run(words, around, current)
        for package in sorted(draft.glob("*.deb")):
            run(["dpkg-deb", "-x", str(package), str(unpacked)], around, current)
            package.unlink()
        version = image.removeprefix("linux-image-")
        depmod = shutil.which("depmod", path=debian.SEARCH) or "depmod"
        run([depmod, "-b", str(unpacked), version], around, current)
        shutil.copyfile(unpacked / "boot" / f"vmlinuz-{version}", draft / "vmlinuz")
        _archive(draft, unpacked, version)
        _layer(draft / "layer", unpacked)
    shutil.rmtree(unpacked)


def _archive(draft: Path, unpacked: Path, version: str) -> None:
    """Make the first file system: busybox, modules for a root from the host, our init."""
    tree = draft / "tree"
    for folder in ("bin", "dev", "proc", "sys", "root", "modules"):
        (tree / folder).mkdir(parents=True)
    shutil.copy2(unpacked / "bin/busybox", tree / "bin/busybox")
    shutil.copyfile(INIT, tree / "init")
    (tree / "init").chmod(0o755)
    for place, module in enumerate(_needed(unpacked / "lib/modules" / version)):
        shutil.copyfile(module, tree / "modules" / f"{place:02}-{module.name}")
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with (draft / "initrd").open("wb") as output:
        subprocess.run(  # noqa: S603 - our own words
            [str(tree / "bin/busybox"), "cpio", "-o", "-H", "newc"],
            cwd=tree, input=names.encode(), stdout=output, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    shutil.rmtree(tree)


def _needed(modules: Path) -> list[Path]:
    """Return the files of the modules and of those they need, in the order to load them in."""
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[Path(path).stem] = [path, *others.split()]
    order: list[str] = []

    def add(name: str) -> None:
        path, *others = needs[name]
        for other in others:
            if other not in order:
                add(Path(other).stem)
        if path not in order:
            order.append(path)

    for name in MODULES:
        add(name)
    return [modules / path for path in order]


def _layer(layer: Path, unpacked: Path) -> None:
    """Put what lies over the machines' Debian where that has it."""
    for source, target in TREES:
        shutil.copytree(unpacked / source, layer / target, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(layer / "etc/init.d", ignore_errors=True)
    shutil.copytree(unpacked / "usr/lib", layer / "usr/lib", symlinks=True, dirs_exist_ok=True)
    for folder in (layer, *layer.rglob("*/")):
        folder.chmod(0o755)


def ensure() -> None:
    """Make the folder where that is possible; else go on without, and say so."""
    if os.geteuid() != 0:
        return
    try:
        find_or_make()
    except SetupError as failure:
        say(f"{failure}\n\nGoing on without emulated machines: MACHINES=nspawn is what there is.")
