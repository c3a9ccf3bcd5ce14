"""Every error a person can meet is in the page, and every code in the sources is in the page."""

from __future__ import annotations

import re
from pathlib import Path

import hacluster_node
from hacluster_node.errors import CATALOGUE, NodeError, markdown

PACKAGE = Path(hacluster_node.__file__).parent
PAGE = PACKAGE.parent.parent / "docs" / "node-errors.md"


def used() -> set[str]:
    return {
        code
        for path in PACKAGE.rglob("*.py")
        if path.name != "errors.py"
        for code in re.findall(r"HAN-[A-Z]\d\d", path.read_text("utf-8"))
    }


def test_the_page_is_what_the_code_generates() -> None:
    assert PAGE.read_text("utf-8") == markdown(), "run python -m hacluster_node.errors"


def test_each_code_in_the_sources_is_explained() -> None:
    assert used() - set(CATALOGUE) == set()


def test_each_explained_code_is_used() -> None:
    assert set(CATALOGUE) - used() == set()


def test_an_error_tells_cause_and_remedy() -> None:
    text = NodeError("HAN-W01", "the store answered 503").explained()
    assert "the store answered 503" in text
    assert CATALOGUE["HAN-W01"].cause in text
    assert CATALOGUE["HAN-W01"].remedy in text
