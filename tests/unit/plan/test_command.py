"""`hacluster plan`: what a person or a pipeline reads before anything is made."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from tests.unit.plan.clusters import FOLDER, SAMPLES, sample

from hacluster.cli import main
from hacluster.cli.plan import CHANGES, ERROR, nothing_there, text, unread
from hacluster.model.ids import key
from hacluster.model.observed import Snapshot, Unknown
from hacluster.plan import parts
from hacluster.plan.view import View


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["plan", *arguments], input=stdin)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_planned_from_nothing(name: str) -> None:
    result = run("-f", str(FOLDER / f"{name}.yaml"))
    assert result.exit_code == CHANGES
    assert "Wave 1:\n  + resourceGroups/" in result.output
    assert ", 0 to change, 0 to delete, 0 refused, 2 to run on nodes." in result.output


def test_json_has_bodies_and_no_secret() -> None:
    result = run("-f", str(FOLDER / "public-load-balancer.yaml"), "-o", "json")
    assert result.exit_code == CHANGES
    (plan,) = json.loads(result.output)
    assert plan["cluster"] == "default/cluster1-public"
    machine = next(one for one in plan["steps"] if one["id"].endswith("virtualMachines/node-1"))
    assert machine["body"]["properties"]["osProfile"]["adminPassword"] == {
        "secretKeyRef": {"name": "cluster1-admin", "key": "password"}
    }
    assert machine["wave"] > 1


def test_a_wrong_manifest_is_an_error_that_says_where(tmp_path: Path) -> None:
    raw: dict[str, Any] = yaml.safe_load((FOLDER / "minimal.yaml").read_text())
    raw["spec"]["nodes"] = raw["spec"]["nodes"][:1]
    file = tmp_path / "one-node.yaml"
    file.write_text(yaml.safe_dump(raw))
    result = run("-f", str(file))
    assert result.exit_code == ERROR
    assert "spec.nodes" in result.output


def test_it_reads_standard_input_and_several_documents() -> None:
    manifests = "---\n".join((FOLDER / f"{name}.yaml").read_text() for name in SAMPLES)
    result = run("-f", "-", stdin=manifests)
    assert result.exit_code == CHANGES
    assert result.output.count("Wave 1:") == len(SAMPLES)


def test_what_could_not_be_read_is_told() -> None:
    cluster = sample("minimal")
    view = nothing_there(cluster)
    lost = Unknown(id=view.names.subnet, why="403 Forbidden", reason="Denied")
    resources = {**view.seen.resources, key(lost.id): lost}
    blind = View.of(cluster, seen=Snapshot(resources=resources))
    assert unread(view) == []
    assert unread(blind) == [lost]
    assert "? subnets/web-subnet could not be read: 403 Forbidden" in text(blind, parts.plan(blind))
