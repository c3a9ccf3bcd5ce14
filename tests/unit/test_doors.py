"""Each library of Azure's has one door: what import-linter cannot say of parts of a package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

OPERATOR = Path(__file__).parents[2] / "operator"
DOORS = {"azure.mgmt": "arm", "azure.identity": "arm", "azure.storage": "store"}


def imported(module: Path) -> Iterator[str]:
    """Yield the full name of everything a module imports."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize(("library", "room"), DOORS.items())
def test_a_library_is_imported_in_its_room_only(library: str, room: str) -> None:
    package = OPERATOR / "hacluster"
    strays = {
        str(module.relative_to(OPERATOR))
        for module in package.rglob("*.py")
        if module.relative_to(package).parts[0] != room
        for name in imported(module)
        if f"{name}.".startswith(f"{library}.")
    }
    assert strays == set()


def test_the_source_root_is_no_package() -> None:
    assert not (OPERATOR / "__init__.py").exists()
