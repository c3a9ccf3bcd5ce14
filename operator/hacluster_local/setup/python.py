"""The virtual environment `.venv`: the locked packages, and this checkout's own as editable.

It is left alone as long as its stamp, the hash of all that went into it, is the one wanted.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from hacluster_local.setup import cache, debian, packages
from hacluster_local.setup.checkout import PYTHON, ROOT, VENV
from hacluster_local.setup.command import run
from hacluster_local.setup.errors import ToolMissingError
from hacluster_local.setup.progress import Step, step

LOCK = ROOT / "requirements-dev.lock"
BOOTSTRAP_LOCK = Path(__file__).parent / "bootstrap.lock"
VENV_PACKAGE = "python3-venv"
STAMP = VENV / ".hacluster-stamp"


def is_ready() -> bool:
    """Tell whether the virtual environment is the one this checkout asks for."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted()


def ensure() -> None:
    """Make the virtual environment, or bring an older one up to date."""
    if is_ready():
        return
    with cache.locked(_lock_file()):
        if not is_ready():
            _make()


def _make() -> None:
    with step("Make the virtual environment", "about 20 s") as current:
        STAMP.unlink(missing_ok=True)
        if not _is_usable():
            _create(current)
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        run([*pip, "-r", str(BOOTSTRAP_LOCK)], packages.surroundings(), current)
        packages.install(LOCK, current)
        _install_checkout(current)
    STAMP.write_text(wanted())


def _is_usable() -> bool:
    """Tell whether what is in `.venv` runs, with the Python version of this process."""
    if not PYTHON.exists():
        return False
    question = [str(PYTHON), "-c", "import sys, pip; print(sys.version)"]
    answer = subprocess.run(question, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() == sys.version.strip()


def _create(current: Step) -> None:
    if not _can_create():
        add_venv_module()
    if VENV.exists():
        shutil.rmtree(VENV)
    run([sys.executable, "-m", "venv", str(VENV)], packages.surroundings(tries=1), current)


def add_venv_module() -> None:
    """Install what Debian leaves out of its Python.

    Raises:
        ToolMissingError: Only root could, and this is not root.
    """
    if not debian.may_install():
        install = f"apt-get install {VENV_PACKAGE}"
        raise ToolMissingError("Python's venv module", "the virtual environment", install)
    debian.install([VENV_PACKAGE])


def _can_create() -> bool:
    """Debian packages `ensurepip` apart; a virtual environment has no pip without it."""
    try:
        import ensurepip  # noqa: F401, PLC0415 - asks whether it is there
    except ImportError:
        return False
    return True


def _install_checkout(current: Step) -> None:
    uv = str(VENV / "bin" / "uv")
    own = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    run(
        [uv, "pip", "install", "--python", str(VENV), *own], packages.surroundings(tries=1), current
    )


def wanted() -> str:
    """Return the stamp of the virtual environment that this checkout asks for."""
    return cache.digest(LOCK, BOOTSTRAP_LOCK, ROOT / "pyproject.toml", sys.version, str(ROOT))


def _lock_file() -> Path:
    folder = cache.root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"venv-{cache.digest(str(ROOT))}"
