"""Every reason a user can meet is explained, and every reason explained can be met."""

import re
from pathlib import Path

import pytest

from hacluster.model.reasons import Reason

ROOT = Path(__file__).parents[3]
SOURCES = "\n".join(
    file.read_text()
    for file in (ROOT / "operator" / "hacluster").rglob("*.py")
    if file.name != "reasons.py"
)
PAGE = (ROOT / "docs" / "reasons.md").read_text()


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_has_a_cause_a_remedy_and_a_place_that_gives_it(reason: Reason) -> None:
    assert re.fullmatch(r"([A-Z][a-z]*)+", reason.value)
    assert reason.cause.endswith(".")
    assert reason.remedy.endswith(".")
    assert re.search(rf"Reason\.{reason.name}\b", SOURCES)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_in_the_page(reason: Reason) -> None:
    assert reason.value in PAGE
    assert " ".join(reason.remedy.split()) in " ".join(PAGE.split())
