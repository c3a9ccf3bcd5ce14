"""The structural schema of a noun, as a CRD needs it.

Pydantic's JSON schema is the source. Kubernetes' dialect differs: no references, no unions with
null, exclusive bounds as flags, and lists with a type. A block's default is written out in full,
because the API server judges it by the block's rules before it fills in inner defaults.
"""

from collections.abc import Mapping
from typing import Any, Final

from hacluster.model.base import CEL_KEY, KEYS_KEY, Noun

Schema = dict[str, Any]

_KEPT: Final = (
    "description", "type", "format", "enum", "default", "minimum", "exclusiveMinimum", "maximum",
    "exclusiveMaximum", "minLength", "maxLength", "pattern", "minItems", "maxItems",
    "maxProperties", "required",
)  # fmt: skip


def structural(noun: type[Noun]) -> Schema:
    """Return the noun's schema, free of references."""
    whole = noun.model_json_schema(by_alias=True, mode="validation")
    return _converted(whole, whole.get("$defs", {}))


def undefaulted(schema: Schema) -> Schema:
    """Return a schema without defaults: a status is written as it is, and nothing is added."""
    kept: Schema = {key: value for key, value in schema.items() if key != "default"}
    for key in ("items", "additionalProperties"):
        kept |= {key: undefaulted(kept[key])} if key in kept else {}
    if "properties" in kept:
        inner = kept["properties"].items()
        kept["properties"] = {name: undefaulted(field) for name, field in inner}
    return kept


def _converted(raw: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    found = _resolved(raw, definitions)
    schema = {key: found[key] for key in _KEPT if found.get(key) is not None}
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    _flag_bounds(schema)
    if "properties" in found:
        properties = found["properties"].items()
        schema["properties"] = {key: _converted(item, definitions) for key, item in properties}
        if "default" in schema:
            schema["default"] = _written(schema["default"])
    elif isinstance(found.get("additionalProperties"), Mapping):
        schema["additionalProperties"] = _converted(found["additionalProperties"], definitions)
    if "items" in found:
        schema |= _items(found["items"], definitions)
    return schema | ({CEL_KEY: found[CEL_KEY]} if CEL_KEY in found else {})


def _resolved(raw: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with what it refers to; its own words go before those it refers to."""
    own = {key: value for key, value in raw.items() if key not in {"$ref", "anyOf"}}
    if "$ref" in raw:
        inner = _resolved(definitions[raw["$ref"].rpartition("/")[2]], definitions)
    elif "anyOf" in raw:
        (only,) = (option for option in raw["anyOf"] if option.get("type") != "null")
        inner = _resolved(only, definitions)
    else:
        return own
    rules = [*inner.get(CEL_KEY, ()), *own.get(CEL_KEY, ())]
    return inner | own | ({CEL_KEY: rules} if rules else {})


def _written(default: Any) -> Any:
    if not isinstance(default, Mapping):
        return default
    return {key: _written(value) for key, value in default.items() if value is not None}


def _flag_bounds(schema: Schema) -> None:
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if exclusive in schema:
            schema[bound] = schema[exclusive]
            schema[exclusive] = True


def _items(raw: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    keys = _resolved(raw, definitions).get(KEYS_KEY)
    items = _converted(raw, definitions)
    if keys is None:
        return {"items": items, "x-kubernetes-list-type": "atomic"}
    return {
        "items": items,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys,
    }
