"""Tags as a resource of their own: `Microsoft.Resources/tags/default` at any scope.

What is written here is what the resource at the scope carries; there is one truth.
Source: Azure's documents on the Tags API.
"""

from dataclasses import replace
from typing import Any, Final

import orjson

from azuresim import ids
from azuresim.errors import ArmError, bad_request, group_not_found, resource_not_found
from azuresim.resources.call import Call
from azuresim.resources.schema import MISSING, Place, Words
from azuresim.resources.subscriptions import SUBSCRIPTION_TAGS
from azuresim.state.records import Record
from azuresim.wire import integrity
from azuresim.wire.service import Service

KIND: Final = "Microsoft.Resources/tags"
WORDS: Final = Words()
LONGEST_NAME: Final = 512
LONGEST_VALUE: Final = 256


def owns(path: ids.Path) -> bool:
    """Whether a path is that of a scope's tags."""
    return path.kind.casefold() == KIND.casefold() and path.names == ("default",)


def serve(service: Service, call: Call, path: ids.Path, verb: str, given: Any) -> Any:
    """Answer GET, PUT, PATCH or DELETE and return the body; nothing for a DELETE.

    Raises:
        ArmError: If the scope is missing, has no tags, is busy, or the request is wrong.
    """
    record = _record(service, call, path)
    kept = record.body().get("tags", {}) if record else call.tx.fact(SUBSCRIPTION_TAGS) or {}
    if verb == "GET":
        return _shown(path, record, kept)
    tags = {} if verb == "DELETE" else _wanted(call, verb, given, kept)
    _keep(service, call, record, tags)
    return None if verb == "DELETE" else _shown(path, record, tags)


def _record(service: Service, call: Call, path: ids.Path) -> Record | None:
    """Return what is at the scope; None for the subscription itself."""
    scope = ids.parse(path.scope)
    if scope.subscription and len(scope.segments) == 2:
        return None
    record = call.get(path.scope)
    if record is None:
        if scope.namespace:
            raise resource_not_found(scope.kind, "/".join(scope.names), scope.group)
        raise group_not_found(scope.group)
    if not service.catalog.type_of(record).tagged:
        message = f"The resource type '{scope.kind}' does not support tags."
        raise bad_request("ResourceTypeDoesNotSupportTags", message)
    return record


def _wanted(call: Call, verb: str, given: Any, kept: dict[str, str]) -> dict[str, str]:
    given = given if isinstance(given, dict) else {}
    properties = given.get("properties")
    if not isinstance(properties, dict):
        raise bad_request("InvalidRequestContent", "The request content has no properties.")
    place = Place(call, "properties.tags")
    sent: dict[str, str] = WORDS.accept(properties.get("tags") or {}, MISSING, place)
    for name, value in sent.items():
        if not name or len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
            raise bad_request(
                "InvalidTag", f"The tag '{ascii(name)[1:-1][:80]}' is empty or too long."
            )
    if verb == "PUT":
        return sent
    merged = _merged(str(given.get("operation", "")).casefold(), sent, kept)
    return WORDS.accept(merged, MISSING, place)  # type: ignore[no-any-return] # its own kind


def _merged(operation: str, sent: dict[str, str], kept: dict[str, str]) -> dict[str, str]:
    folded = {name.casefold(): value for name, value in sent.items()}
    if operation == "replace":
        return sent
    if operation == "merge":
        return {n: v for n, v in kept.items() if n.casefold() not in folded} | sent
    if operation == "delete":
        return {n: v for n, v in kept.items() if folded.get(n.casefold()) != v}
    message = "The operation must be one of Replace, Merge, Delete."
    raise bad_request("InvalidTagsPatchOperation", message)


def _keep(service: Service, call: Call, record: Record | None, tags: dict[str, str]) -> None:
    if record is None:
        call.tx.keep(SUBSCRIPTION_TAGS, tags)
        return
    integrity.require_idle(service, call, record)
    body = record.body()
    if body.get("tags", {}) == tags:
        return
    kind = service.catalog.type_of(record)
    etag = kind.next_etag(record.etag) if kind.next_etag else call.new_guid()
    data = orjson.dumps({**body, "tags": tags})
    call.tx.save(replace(record, data=data, etag=etag, changed=call.now))


def _shown(path: ids.Path, record: Record | None, tags: dict[str, str]) -> dict[str, Any]:
    scope = record.id if record else path.scope
    return {
        "id": f"{scope}/providers/{KIND}/default",
        "name": "default",
        "type": KIND,
        "properties": {"tags": tags},
    }


def unsupported(verb: str) -> ArmError:
    """Return the refusal of any other verb."""
    return ArmError(405, "MethodNotAllowed", f"{KIND} does not take {verb}.")
