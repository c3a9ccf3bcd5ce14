"""The commands that need the model alone: they tell by exit code, and import little."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.kube.manifests import table

from hacluster.cli import main

SAMPLE = table.SAMPLES / "minimal.yaml"
HEAVY = ("azure", "kopf", "kubernetes_asyncio", "aiohttp", "hacluster.arm", "hacluster.handlers")


def test_a_good_manifest_is_allowed() -> None:
    done = CliRunner().invoke(main, ["validate", "-f", str(SAMPLE)])
    assert done.exit_code == 0
    assert "HAClusterSpec web is allowed" in done.output


def test_a_bad_manifest_is_refused_with_its_path() -> None:
    text = SAMPLE.read_text().replace("placement:", "placment:")
    done = CliRunner().invoke(main, ["validate", "-f", "-"], input=text)
    assert done.exit_code == 1
    assert "spec.placment: there is no such field; did you mean placement?" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is no YAML"),
        ("just text", "write an object with apiVersion, kind, metadata and spec"),
        ("{apiVersion: hacluster.dev/v1alpha1, kind: Cluster}", "write HAClusterSpec or"),
        ("{apiVersion: hacluster.dev/v1, kind: HAClusterSpec}", "write hacluster.dev/v1alpha1"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, told: str) -> None:
    done = CliRunner().invoke(main, ["validate", "-f", "-"], input=text)
    assert done.exit_code == 1
    assert told in done.stderr


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["validate", "-f", str(tmp_path / "none.yaml")])
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr


def test_objects_of_others_are_passed_over() -> None:
    text = "{apiVersion: v1, kind: Secret}\n---\n" + SAMPLE.read_text()
    assert CliRunner().invoke(main, ["validate", "-f", "-"], input=text).exit_code == 0


@pytest.mark.parametrize(
    ("command", "file"), [("crd", "hacluster.dev_haclusters.yaml"), ("reference", "reasons.md")]
)
def test_a_generated_file_that_differs_is_found(command: str, file: str, tmp_path: Path) -> None:
    folder = ["--folder", str(tmp_path)]
    assert CliRunner().invoke(main, [command, "--check", *folder]).exit_code == 1
    assert CliRunner().invoke(main, [command, "--write", *folder]).exit_code == 0
    assert CliRunner().invoke(main, [command, "--check", *folder]).exit_code == 0
    kept = tmp_path / file
    kept.write_text(kept.read_text() + "changed\n")
    done = CliRunner().invoke(main, [command, "--check", *folder])
    assert done.exit_code == 1
    assert "-changed" in done.output
    assert f"Run `hacluster {command} --write`" in done.stderr


def test_printed_definitions_are_documents_of_yaml() -> None:
    done = CliRunner().invoke(main, ["crd"])
    assert done.output.count("\n---\n") == 1
    assert done.output.count("kind: CustomResourceDefinition") == 2


def test_a_command_imports_only_what_it_needs() -> None:
    program = (
        "import sys; from hacluster.cli import main; "
        f"main(['validate', '-f', {str(SAMPLE)!r}], standalone_mode=False); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "operator"},
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command_without_importing_one() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    for name in ("crd", "plan", "reference", "run", "validate"):
        assert f"  {name} " in done.output
