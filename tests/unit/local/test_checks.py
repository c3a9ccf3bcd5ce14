"""The checks can fail."""

import sys
from pathlib import Path

import pytest

from hacluster_local import checks


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a checkout whose tools are small scripts of the test's own."""
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    monkeypatch.setattr(checks, "SOURCES", tmp_path / "operator")
    monkeypatch.setattr(checks, "VENV", tmp_path / "venv")
    (tmp_path / "operator").mkdir()
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    return tmp_path


def tool(checkout: Path, name: str, script: str) -> None:
    file = checkout / "venv" / "bin" / name
    file.write_text(f"#!{sys.executable}\n{script}\n")
    file.chmod(0o755)


def all_tools(checkout: Path) -> None:
    for name in ("ruff", "mypy", "lint-imports", "vermin"):
        tool(checkout, name, "")
    for words in checks.COMPARED:
        tool(checkout, words[0], "")
    for generated in checks.PRINTED:
        tool(checkout, generated.command[0], "print('content')")
        (checkout / generated.file).parent.mkdir(exist_ok=True)
        (checkout / generated.file).write_text("content\n")


def test_a_good_checkout_passes(checkout: Path) -> None:
    all_tools(checkout)
    assert checks.check() == 0


def test_the_source_root_may_not_be_a_package(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    all_tools(checkout)
    (checkout / "operator" / "__init__.py").touch()
    assert checks.check() == 1
    assert "shadows the standard library" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ruff", "mypy", "lint-imports", "vermin", "hacluster"])
def test_a_tool_that_complains_is_heard(
    name: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    all_tools(checkout)
    tool(checkout, name, "print('line 7 is wrong'); raise SystemExit(1)")
    assert checks.check() == 1
    assert "line 7 is wrong" in capsys.readouterr().err


@pytest.mark.parametrize("generated", checks.PRINTED, ids=lambda each: each.file)
def test_a_generated_file_that_was_edited_is_told_with_its_command(
    generated: checks.Generated, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    all_tools(checkout)
    (checkout / generated.file).write_text("edited\n")
    assert checks.check() == 1
    assert f"Run: {' '.join(generated.command)} > {generated.file}" in capsys.readouterr().err
