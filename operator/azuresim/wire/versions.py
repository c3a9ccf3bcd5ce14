"""The `api-version` check, in ARM's words."""

import re
from collections.abc import Sequence
from typing import Final

from azuresim.errors import ArmError, bad_request

FORM: Final = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z]+)?", re.IGNORECASE)


def check(version: str, accepted: Sequence[str], kind: str, location: str = "") -> None:
    """Refuse a version that is missing, malformed or not accepted.

    Args:
        version: What was asked for.
        accepted: What there is, oldest first.
        kind: Full resource type; without a namespace it is one of ARM's own.
        location: The region concerned, if any.

    Raises:
        ArmError: 400 with the list of what is accepted.
    """
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise bad_request("MissingApiVersionParameter", message)
    if version in accepted:
        return
    newest = ",".join(reversed(accepted))
    if not FORM.fullmatch(version) or kind.casefold().startswith("microsoft.resources"):
        message = (
            f"The api-version '{ascii(version)[1:-1][:40]}' is invalid. The supported versions are "
            f"'{newest}'."
        )
        raise bad_request("InvalidApiVersionParameter", message)
    message = (
        f"No registered resource provider found for location '{location}' and API version "
        f"'{version}' for type '{kind.partition('/')[2]}'. The supported api-versions are "
        f"'{newest}'."
    )
    raise ArmError(400, "NoRegisteredProviderFound", message)
