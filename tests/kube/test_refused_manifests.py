"""Everything that can be refused at kubectl apply is refused there, by the real API server, with a
message that says what to write instead.

All manifests of a table go through one kubectl: starting it is what costs.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from tests.kube.conftest import ApiServer
from tests.kube.manifests import table
from tests.kube.manifests.table import Case

REFUSED = list(table.cases("refused"))
CHANGES = list(table.cases("changes"))
COSTLY = list(table.cases("costly"))
OPERATIONS = list(table.operations())

_ABOUT = re.compile(
    r'^(?:Error from server .*error when creating|for:) "[^"]*/(?P<id>[^"/]+)\.json"',
    re.MULTILINE,
)
"""How kubectl begins to speak about an object: one it would make, or one it would change."""


def answers(server: ApiServer, folder: Path, cases: Iterable[Case]) -> Mapping[str, str]:
    """Return what kubectl apply says to each case, by id; nothing for what is allowed."""
    for case in cases:
        (folder / f"{case.id}.json").write_text(case.text)
    done = server.kubectl.attempt(
        "apply", "--dry-run=server", f"--filename={folder}", deadline_s=120
    )
    found = list(_ABOUT.finditer(done.stderr))
    borders = [*(start.start() for start in found), len(done.stderr)]
    return {
        start["id"]: done.stderr[begin:end]
        for start, (begin, end) in zip(found, pairwise(borders), strict=True)
    }


@pytest.fixture(scope="module")
def refused(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return answers(api_server, tmp_path_factory.mktemp("refused"), REFUSED)


@pytest.fixture(scope="module")
def operations(
    api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    return answers(api_server, tmp_path_factory.mktemp("operations"), OPERATIONS)


@pytest.fixture(scope="module")
def costly(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return answers(api_server, tmp_path_factory.mktemp("costly"), COSTLY)


@pytest.fixture(scope="module")
def changes(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    folder = tmp_path_factory.mktemp("before")
    for case in CHANGES:
        metadata = {"name": case.id, "namespace": "default"}
        before = Case(
            id=case.id,
            before={},
            manifest={**case.before, "metadata": metadata},
            says="",
            offline="",
        )
        (folder / f"{case.id}.json").write_text(before.text)
    api_server.kubectl.run("apply", f"--filename={folder}", deadline_s=120)
    return answers(api_server, tmp_path_factory.mktemp("changes"), CHANGES)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_a_bad_manifest_is_refused(case: Case, refused: Mapping[str, str]) -> None:
    assert case.says in refused.get(case.id, "it was taken")


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.id)
def test_what_must_stay_cannot_be_changed(case: Case, changes: Mapping[str, str]) -> None:
    assert case.says in changes.get(case.id, "it was taken")


@pytest.mark.parametrize("case", OPERATIONS, ids=lambda case: case.id)
def test_a_bad_operation_is_refused(case: Case, operations: Mapping[str, str]) -> None:
    assert case.says in operations.get(case.id, "it was taken")


@pytest.mark.parametrize("case", COSTLY, ids=lambda case: case.id)
def test_what_cel_cannot_say_is_left_to_the_operator(case: Case, costly: Mapping[str, str]) -> None:
    assert case.id not in costly


@pytest.mark.parametrize("name", table.good())
def test_a_good_manifest_is_taken(name: str, api_server: ApiServer) -> None:
    case = Case(id=name, before={}, manifest=table.good()[name], says="", offline="")
    done = api_server.kubectl.attempt("apply", "--dry-run=server", "--filename=-", stdin=case.text)
    assert done.stderr == ""
    assert done.returncode == 0
