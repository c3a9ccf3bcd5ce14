"""Which resource providers the subscription is registered to use: all, unless it unregisters."""

from typing import Final

from azuresim.errors import ArmError
from azuresim.resources.call import Call

FACT: Final = "unregistered namespaces"
ALWAYS: Final = frozenset({"microsoft.resources", "microsoft.authorization"})
"""ARM's own, which nobody can leave (source: document)."""


def state(call: Call, namespace: str) -> str:
    """Return the registration state of a namespace in Azure's words."""
    return "Unregistered" if namespace.casefold() in _left(call) else "Registered"


def change(call: Call, namespace: str, *, wanted: bool) -> None:
    """Register the subscription with a namespace, or leave it; both are over at once.

    Raises:
        ArmError: 409 for a namespace of ARM's own.
    """
    folded = namespace.casefold()
    if not wanted and folded in ALWAYS:
        message = f"The resource provider '{namespace}' cannot be unregistered."
        raise ArmError(409, "CannotUnregisterRegistrationFreeResourceProvider", message)
    left = _left(call)
    call.tx.keep(FACT, sorted(left - {folded} if wanted else left | {folded}))


def require(call: Call, kind: str) -> None:
    """Refuse to create a resource of a namespace that the subscription has left.

    Raises:
        ArmError: ARM's 409 (source: document).
    """
    namespace = kind.partition("/")[0]
    if namespace.casefold() in _left(call):
        message = (
            f"The subscription is not registered to use namespace '{namespace}'. See "
            "https://aka.ms/rps-not-found for how to register subscriptions."
        )
        raise ArmError(409, "MissingSubscriptionRegistration", message)


def _left(call: Call) -> set[str]:
    return set(call.tx.fact(FACT) or ())
