"""The generated files are those of the model, and the schema is one that people can rely on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kube.manifests import table

from hacluster.model.crd import crds, texts
from hacluster.model.reasons import Reason
from hacluster.model.reference import pages

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", crds())
def test_the_kept_definition_is_the_models(name: str) -> None:
    kept = (ROOT / "crds" / name).read_text()
    assert kept == texts()[name], "run `hacluster crd --write`"


@pytest.mark.parametrize("name", pages())
def test_the_kept_page_is_the_models(name: str) -> None:
    kept = (ROOT / "docs" / name).read_text()
    assert kept == pages()[name], "run `hacluster reference --write`"


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield f"{path}[]", inner
            yield from fields(inner, f"{path}[]")


def roots() -> Iterator[tuple[str, dict[str, Any]]]:
    for definition in crds().values():
        (version,) = definition["spec"]["versions"]
        kind = definition["spec"]["names"]["kind"]
        for part in ("spec", "status"):
            schema = version["schema"]["openAPIV3Schema"]["properties"][part]
            yield from fields(schema, f"{kind}.{part}")


FIELDS = dict(roots())


def test_every_field_is_described() -> None:
    assert [
        path
        for path, field in FIELDS.items()
        if not path.endswith("[]") and not field.get("description")
    ] == []


def test_every_text_and_list_of_a_spec_is_bounded() -> None:
    specs = {path: field for path, field in FIELDS.items() if ".spec." in path}
    for path, field in specs.items():
        if field["type"] == "string" and "enum" not in field:
            assert "maxLength" in field, path
        if field["type"] == "array":
            assert "maxItems" in field, path
        if field["type"] in {"integer", "number"}:
            assert {"minimum", "maximum"} <= field.keys(), path


def test_every_list_says_how_it_is_merged() -> None:
    lists = {path: field for path, field in FIELDS.items() if field["type"] == "array"}
    for path, field in lists.items():
        kind = field["x-kubernetes-list-type"]
        assert kind == ("map" if "x-kubernetes-list-map-keys" in field else "atomic"), path
        for key in field.get("x-kubernetes-list-map-keys", ()):
            item = field["items"]
            assert key in item["required"] or "default" in item["properties"][key], path


def test_a_status_has_no_defaults() -> None:
    assert [
        path for path, field in FIELDS.items() if ".status." in path and "default" in field
    ] == []


def test_only_kubernetes_own_words_are_in_the_schema() -> None:
    known = {
        "type", "format", "description", "enum", "default", "minimum", "maximum", "items",
        "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern", "minItems",
        "maxItems", "maxProperties", "required", "properties", "additionalProperties",
        "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    }  # fmt: skip
    for path, field in FIELDS.items():
        assert field.keys() <= known, path


def test_the_reference_names_every_field_of_a_sample() -> None:
    page = pages()["reference.md"]
    for section in table.good()["everything"]["spec"]:
        assert f"`{section}`" in page
    assert "### spec.cluster.partition.timings" in page


def test_every_reason_has_a_cause_and_a_remedy() -> None:
    page = pages()["reasons.md"]
    for reason in Reason:
        assert reason.isalnum()
        assert reason.cause.endswith(".")
        assert reason.remedy.endswith(".")
        assert f"| `{reason}` |" in page
