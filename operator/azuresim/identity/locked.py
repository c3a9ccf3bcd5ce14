"""Resource locks: what is locked is not deleted, or not even changed, whoever asks."""

from azuresim import ids
from azuresim.errors import ArmError
from azuresim.resources.authorization import locks
from azuresim.resources.call import Call
from azuresim.resources.catalog import Target

OWN = "microsoft.authorization/"
"""Locks, roles and assignments are written in spite of locks."""


def refuse(call: Call, target: Target, verb: str) -> None:
    """Refuse what a lock at, above or, for deletions, below a target forbids.

    Raises:
        ArmError: ARM's 409 that names the locked scopes.
    """
    own = target.entry.type.folded.startswith(OWN)
    held = call.tx.members(f"/subscriptions/{call.subscription}".casefold(), locks.TYPE.folded)
    if not held or verb in {"GET", "HEAD"} or own:
        return
    scope = ids.key(target.path.id)
    found = []
    for lock in held:
        at = locks.scope_of(lock)
        above = f"{scope}/".startswith(f"{at}/")
        below = verb == "DELETE" and at.startswith(f"{scope}/")
        read_only = lock.body()["properties"]["level"] == locks.READ_ONLY
        if (above and (read_only or verb == "DELETE")) or below:
            found.append(lock.id.rpartition("/providers/")[0])
    if found:
        word = "delete" if verb == "DELETE" else "write"
        message = (
            f"The scope '{target.path.id}' cannot perform {word} operation because following "
            f"scope(s) are locked: '{','.join(sorted(found))}'. Please remove the lock and try "
            "again."
        )
        raise ArmError(409, "ScopeLocked", message)
