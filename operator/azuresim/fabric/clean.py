"""Takes away what a killed simulator left in the kernel."""

import contextlib
from pathlib import Path

from azuresim.fabric import built
from azuresim.fabric.names import Names
from azuresim.state import database


def clean(directory: Path) -> list[str]:
    """Take away what the simulator of a directory left, and return the names of it.

    It is found by its names, which are made from the directory; that need not exist any more.

    Raises:
        DirectoryInUseError: The simulator runs.
        KernelError: Not root, or the kernel refused.
    """
    with contextlib.ExitStack() as held:
        if directory.is_dir():
            held.enter_context(database.lock(directory))
        return built.remove_all(Names.of(directory))
