"""What the coverage table calls a recording was recorded."""

import json
from collections import defaultdict
from urllib.parse import unquote, urlsplit

import pytest
from tests.sim.contract.test_recordings import FILES, FOLDER

from azuresim import ids
from azuresim.coverage import RECORDED
from azuresim.resources.catalog import Catalog
from azuresim.resources.registry import TYPES

pytestmark = pytest.mark.sim


def _shown() -> dict[str, set[str]]:
    """Return what recordings show, by type: successful first writes, later ones, deletions."""
    catalog, shown = Catalog(TYPES), defaultdict(set)
    for file in FILES:
        made: set[str] = set()
        for exchange in json.loads(file.read_text()):
            path = ids.parse(unquote(urlsplit(exchange["url"]).path))
            target = catalog.find(path)
            if target is None or exchange["status"] >= 300:
                continue
            word = {"PUT": "update" if path.id in made else "create", "DELETE": "delete"}.get(
                exchange["method"], ""
            )
            if exchange["method"] == "PUT":
                made.add(path.id)
            children = target.entry.children
            shown[target.entry.type.kind].add(f"{word} {children.segment}" if children else word)
    return shown


@pytest.mark.skipif(not FILES, reason=f"no recordings in {FOLDER}")
def test_what_is_called_recorded_was_recorded() -> None:
    shown = _shown()
    assert {
        kind: words - shown[kind] for kind, words in RECORDED.items() if words - shown[kind]
    } == {}
