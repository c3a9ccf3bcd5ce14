"""The API server and `hacluster validate` judge alike: what one takes, the other takes."""

import random

import pytest
from tests.kube.conftest import ApiServer
from tests.kube.manifests import table
from tests.kube.manifests.mutation import mutated
from tests.kube.manifests.table import Case
from tests.kube.test_refused_manifests import answers

from hacluster.errors import SpecInvalid
from hacluster.model.parse import parse

SEED = 20260
COUNT = 120
COSTLY = {case.says for case in table.cases("costly")}


def random_cases(seed: int, count: int) -> list[Case]:
    dice = random.Random(seed)
    bases = list(table.good().values())
    made = [mutated(dice.choice(bases), dice) for _ in range(count)]
    for number, manifest in enumerate(made):
        manifest["metadata"] = {"name": f"random-{number}", "namespace": "default"}
    return [
        Case(id=str(each["metadata"]["name"]), before={}, manifest=each, says="", offline="")
        for each in made
    ]


def disagreement(case: Case, said: str | None) -> str | None:
    """Return how the two judge differently, or None: ``said`` is the API server's refusal."""
    try:
        parse(case.manifest)
    except SpecInvalid as error:
        is_costly = all(any(says in flaw.why for says in COSTLY) for flaw in error.flaws)
        return None if said or is_costly else f"{case.id}: only offline: {error}"
    return said and f"{case.id}: only the API server: {said}"


def test_random_changes_are_judged_alike(
    api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cases = random_cases(SEED, COUNT)
    said = answers(api_server, tmp_path_factory.mktemp("random"), cases)
    found = [disagreement(case, said.get(case.id)) for case in cases]
    assert [each for each in found if each] == []
    assert 0 < len(said) < COUNT
