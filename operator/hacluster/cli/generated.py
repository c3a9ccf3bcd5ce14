"""Files that are generated and kept in the repository: printed, written, or compared."""

import difflib
from collections.abc import Mapping
from pathlib import Path

import click


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write each text to the file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def check(texts: Mapping[str, str], folder: Path, remedy: str) -> None:
    """Do nothing if the files are as generated; else show the difference and end with code 1."""
    stale = [name for name, text in texts.items() if _kept(folder / name) != text]
    for name in stale:
        kept, wanted = (text.splitlines() for text in (_kept(folder / name), texts[name]))
        for line in difflib.unified_diff(kept, wanted, str(folder / name), "generated", n=1):
            click.echo(line.rstrip("\n"))
    if stale:
        raise click.ClickException(f"{', '.join(stale)}: not as generated. Run `{remedy}`.")


def _kept(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
