"""Argo CD judges a HAClusterSpec as its conditions say: the real script in a real Lua."""

from pathlib import Path
from typing import Any

import pytest
from lupa import LuaRuntime

SCRIPT = Path(__file__).parents[3] / "deploy" / "argocd" / "health.lua"


def health(conditions: dict[str, str], observed: int | None = 2) -> tuple[str, str]:
    """Return Argo CD's status and message for an object of generation 2 with these conditions."""
    lua: Any = LuaRuntime(unpack_returned_tuples=True)
    listed = [
        lua.table_from({"type": name, "status": status, "message": f"about {name}"})
        for name, status in conditions.items()
    ]
    status = {"observedGeneration": observed}
    if conditions:
        status["conditions"] = lua.table_from(listed)
    lua.globals().obj = lua.table_from(
        {"metadata": lua.table_from({"generation": 2}), "status": lua.table_from(status)}
    )
    found = lua.execute(SCRIPT.read_text())
    return found.status, found.message


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param({}, "Progressing", id="no-conditions-yet"),
        pytest.param({"Ready": "True"}, "Healthy", id="ready"),
        pytest.param({"Ready": "False", "Reconciling": "True"}, "Progressing", id="working-on-it"),
        pytest.param({"Ready": "False", "Stalled": "True"}, "Degraded", id="stalled"),
        pytest.param({"Ready": "True", "Degraded": "True"}, "Degraded", id="serves-without-spare"),
    ],
)
def test_health_follows_the_conditions(conditions: dict[str, str], expected: str) -> None:
    assert health(conditions)[0] == expected


def test_the_message_is_the_condition_s_own() -> None:
    assert health({"Ready": "False", "Stalled": "True"})[1] == "about Stalled"


def test_a_status_of_an_older_generation_is_never_healthy() -> None:
    assert health({"Ready": "True"}, observed=1)[0] == "Progressing"
