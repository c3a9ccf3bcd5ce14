"""Turns an object as the API server or a file has it into a `Cluster`, or says what is wrong.

This is the one place where raw mappings become values. It refuses what the API server refuses, so
that `hacluster validate` needs no cluster, and what CEL cannot say. Its messages are for the person
who wrote the manifest.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from hacluster.errors import Flaw, SpecInvalid
from hacluster.model.cluster import Cluster, ClusterSpec
from hacluster.model.explanation import explained
from hacluster.model.kinds import API_VERSION, CLUSTER_KIND
from hacluster.model.validation import flaws

_MAX_DEPTH: Final = 32


def parse(raw: Mapping[str, Any]) -> Cluster:
    """Return the object's identity and its spec.

    Raises:
        SpecInvalid: With everything that is wrong, each with its path and what to write instead.
    """
    metadata = _identity(raw)
    spec = parse_spec(raw.get("spec"))
    annotations = metadata.get("annotations") or {}
    return Cluster(
        namespace=str(metadata.get("namespace") or "default"),
        name=metadata["name"],
        uid=str(metadata.get("uid") or ""),
        generation=int(metadata.get("generation") or 0),
        spec=spec,
        annotations=tuple(sorted((str(key), str(value)) for key, value in annotations.items())),
    )


def parse_spec(raw: Any) -> ClusterSpec:
    """Return the spec; raises SpecInvalid as `parse` does."""
    try:
        text = json.dumps(_without_nulls(raw, _MAX_DEPTH), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpecInvalid("spec", "write plain YAML or JSON values only") from error
    try:
        spec = ClusterSpec.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _invalid(explained(ClusterSpec, error, "spec")) from None
    if found := list(flaws(spec, "spec")):
        raise _invalid(found)
    return spec


def _identity(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise SpecInvalid("", f"write an object of kind {CLUSTER_KIND}")
    for field, wanted in (("apiVersion", API_VERSION), ("kind", CLUSTER_KIND)):
        if raw.get(field) != wanted:
            raise SpecInvalid(field, f"write {wanted}")
    for field in raw:
        if field not in {"apiVersion", "kind", "metadata", "spec", "status"}:
            raise SpecInvalid(str(field), "there is no such field beside metadata and spec")
    metadata = raw.get("metadata")
    if not isinstance(metadata, Mapping):
        raise SpecInvalid("metadata", "write the object's name and namespace")
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise SpecInvalid("metadata.name", "write the object's name")
    if not isinstance(metadata.get("annotations") or {}, Mapping):
        raise SpecInvalid("metadata.annotations", "write names and values")
    if not isinstance(metadata.get("generation") or 0, int):
        raise SpecInvalid("metadata.generation", "leave it out: the API server counts it")
    return metadata


def _without_nulls(value: Any, depth: int) -> Any:
    """Leave out fields that are null, as the API server does."""
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(value, Mapping):
        return {
            key: _without_nulls(item, depth - 1) for key, item in value.items() if item is not None
        }
    if isinstance(value, list):
        return [_without_nulls(item, depth - 1) for item in value]
    return value


def _invalid(found: list[Flaw]) -> SpecInvalid:
    first, *others = found
    return SpecInvalid(first.path, first.why, others)
