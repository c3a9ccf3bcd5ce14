"""Reads the objects of ours from files, as kubectl would."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from hacluster.errors import SpecInvalid
from hacluster.model.kinds import GROUP

STDIN = "-"


def documents(file: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of group hacluster.dev in a YAML or JSON file, or in standard input.

    Raises:
        click.ClickException: If the file cannot be read or is no YAML.
        SpecInvalid: If a document is no object at all.
    """
    for document in _loaded(file):
        if document is None:
            continue
        if not isinstance(document, Mapping) or "kind" not in document:
            raise SpecInvalid("kind", "write an object with apiVersion, kind, metadata and spec")
        if str(document.get("apiVersion", "")).partition("/")[0] in {GROUP, ""}:
            yield document


def _loaded(file: str) -> list[Any]:
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
        return list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise click.ClickException(f"{file} is no YAML: {error}") from error
