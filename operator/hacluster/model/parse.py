"""Turns an object as the API server or a file has it into a `Cluster`, or says what is wrong.

This is the one place where raw mappings become values. It refuses what the API server refuses, so
that `hacluster validate` needs no cluster, and what CEL cannot say. Its messages are for the person
who wrote the manifest.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from hacluster.errors import Flaw, SpecInvalid
from hacluster.model.base import Noun
from hacluster.model.cluster import Cluster, ClusterSpec
from hacluster.model.explanation import explained
from hacluster.model.kinds import API_VERSION, CLUSTER_KIND, OPERATION_KIND
from hacluster.model.operation import Operation, OperationSpec
from hacluster.model.validation import flaws

_MAX_DEPTH: Final = 32
_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)


_Spec = TypeVar("_Spec", bound=Noun)


def parse(raw: Mapping[str, Any]) -> Cluster:
    """Return the object's identity and its spec.

    Raises:
        SpecInvalid: With everything that is wrong, each with its path and what to write instead.
    """
    metadata = _identity(raw, CLUSTER_KIND)
    annotations = metadata.get("annotations") or {}
    return Cluster(
        namespace=str(metadata.get("namespace") or "default"),
        name=metadata["name"],
        uid=str(metadata.get("uid") or ""),
        generation=int(metadata.get("generation") or 0),
        spec=parse_spec(ClusterSpec, raw.get("spec")),
        annotations=tuple(sorted((str(key), str(value)) for key, value in annotations.items())),
    )


def parse_operation(raw: Mapping[str, Any]) -> Operation:
    """Return the operation that an object asks for; raises SpecInvalid as `parse` does."""
    metadata = _identity(raw, OPERATION_KIND)
    return Operation(
        namespace=str(metadata.get("namespace") or "default"),
        name=metadata["name"],
        uid=str(metadata.get("uid") or ""),
        spec=parse_spec(OperationSpec, raw.get("spec")),
    )


def parse_spec(noun: type[_Spec], raw: Any) -> _Spec:
    """Return a spec as a value of its class; raises SpecInvalid as `parse` does."""
    if raw is None:
        raise SpecInvalid("spec", "it is required: write it")
    try:
        text = json.dumps(_as_stored(raw, _MAX_DEPTH), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpecInvalid("spec", "write plain YAML or JSON values only") from error
    try:
        spec = noun.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _invalid(explained(noun, error, "spec")) from None
    if found := list(flaws(spec, "spec")):
        raise _invalid(found)
    return spec


def _identity(raw: Any, kind: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise SpecInvalid("kind", f"write an object of kind {kind}")
    for field, wanted in (("apiVersion", API_VERSION), ("kind", kind)):
        if raw.get(field) != wanted:
            raise SpecInvalid(field, f"write {wanted}")
    if unknown := sorted(str(field) for field in raw if field not in _FIELDS):
        raise SpecInvalid(unknown[0], "there is no such field beside metadata and spec")
    return _metadata(raw.get("metadata"))


def _metadata(metadata: Any) -> Mapping[str, Any]:
    if not isinstance(metadata, Mapping):
        raise SpecInvalid("metadata", "write the object's name and namespace")
    name = metadata.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise SpecInvalid(
            "metadata.name", "write lower-case letters, digits, hyphens and periods, at most 253"
        )
    if not isinstance(metadata.get("annotations") or {}, Mapping):
        raise SpecInvalid("metadata.annotations", "write names and values")
    if not isinstance(metadata.get("generation") or 0, int):
        raise SpecInvalid("metadata.generation", "leave it out: the API server counts it")
    return metadata


def _as_stored(value: Any, depth: int) -> Any:
    """Return a value as the API server keeps it: nulls left out, 3.0 a whole number."""
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(value, Mapping):
        inner = {key: item for key, item in value.items() if item is not None}
        return {key: _as_stored(item, depth - 1) for key, item in inner.items()}
    if isinstance(value, list):
        return [_as_stored(item, depth - 1) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _invalid(found: list[Flaw]) -> SpecInvalid:
    first, *others = found
    return SpecInvalid(first.path, first.why, others)
