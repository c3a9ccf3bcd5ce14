"""ARM resource ids: taken apart, compared, put together.

Azure compares ids without regard to letter case and gives them back in another
case than they came in. So every id has a key, its case-folded form, and only
keys are looked up.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from azuresim.errors import bad_request

LONGEST_PATH: Final = 4096
LONGEST_SEGMENT: Final = 260
HOSTILE: Final = re.compile(r"[\x00-\x1f\x7f<>%&\\?#]|^\.{1,2}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """An ARM path in its parts; `types` is one longer than `names` for a list or an action.

    Attributes:
        segments: The whole path, unquoted.
        subscription: As written, or empty.
        group: The resource group as written, or empty.
        scope: The id everything after the last `/providers/` hangs from; may be empty.
        namespace: For example `Microsoft.Network`, as written, or empty.
        types: For example `("virtualNetworks", "subnets")`, as written.
        names: For example `("net", "front")`.
    """

    segments: tuple[str, ...]
    subscription: str = ""
    group: str = ""
    scope: str = ""
    namespace: str = ""
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The path as an id, in the letter case it was written in."""
        return "/" + "/".join(self.segments)

    @property
    def kind(self) -> str:
        """The full type as written, for example `Microsoft.Network/virtualNetworks/subnets`."""
        return "/".join((self.namespace, *self.types)) if self.namespace else ""

    @property
    def is_collection(self) -> bool:
        """Whether the path ends in a type (or an action) and not in a name."""
        return len(self.types) > len(self.names)


def key(resource_id: str) -> str:
    """Return the form of an id that is equal for equal ids."""
    return resource_id.rstrip("/").casefold()


def parent_key(child_key: str) -> str:
    """Return the key two segments up: the parent of a child resource."""
    return child_key.rsplit("/", 2)[0]


def name_of(resource_id: str) -> str:
    """Return the last segment of an id."""
    return resource_id.rsplit("/", 1)[-1]


def parse(raw_path: str) -> Path:
    """Take a percent-encoded path apart.

    Raises:
        ArmError: 400 if it is too long, is not UTF-8 or carries what no Azure name may.
    """
    if len(raw_path) > LONGEST_PATH:
        raise bad_request("InvalidRequestUri", "The request URI is longer than 4096 characters.")
    segments = tuple(_segment(part) for part in raw_path.split("/") if part)
    subscription = _after(segments, "subscriptions", 0)
    group = _after(segments, "resourcegroups", 2) if subscription else ""
    folded = [part.casefold() for part in segments]
    if "providers" not in folded[:-1]:
        return Path(segments=segments, subscription=subscription, group=group)
    at = len(folded) - 1 - folded[::-1].index("providers")
    rest = segments[at + 2 :]
    return Path(
        segments=segments,
        subscription=subscription,
        group=group,
        scope="/" + "/".join(segments[:at]) if at else "",
        namespace=segments[at + 1] if at + 1 < len(segments) else "",
        types=rest[::2],
        names=rest[1::2],
    )


def _segment(part: str) -> str:
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise bad_request("InvalidRequestUri", "The request URI is not valid UTF-8.") from None
    if len(text) > LONGEST_SEGMENT:
        message = f"A segment of the request URI is longer than {LONGEST_SEGMENT} characters."
        raise bad_request("InvalidResourceName", message)
    if "/" in text or HOSTILE.search(text):
        message = f"The resource name {text!a} is invalid: it has characters no name may have."
        raise bad_request("InvalidResourceName", message)
    return text


def _after(segments: tuple[str, ...], word: str, at: int) -> str:
    if len(segments) > at + 1 and segments[at].casefold() == word:
        return segments[at + 1]
    return ""
