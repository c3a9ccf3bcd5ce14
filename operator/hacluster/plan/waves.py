"""A plan in the order in which its steps can begin: for people to read, and to see what takes long.

The loop needs no order: it asks the gate in every pass. Here the same needs give each step a wave;
what is in one wave is done side by side.
"""

from collections.abc import Iterable

from hacluster.model.ids import key
from hacluster.plan.steps import Put, Refuse, Step


def waves(steps: Iterable[Step]) -> tuple[tuple[Step, ...], ...]:
    """Return the steps by wave, each wave in the order given.

    A step that needs one that is refused waits for ever, and stands in the wave after it.
    """
    ordered = tuple(steps)
    known = {key(step.id): step for step in ordered}
    found: dict[str, int] = {}

    def wave_of(one: str, above: frozenset[str]) -> int:
        if one not in found:
            needs = {key(need) for need in _needs(known[one])} & known.keys() - above
            found[one] = 1 + max((wave_of(need, above | {need}) for need in needs), default=-1)
        return found[one]

    numbers = [wave_of(key(step.id), frozenset({key(step.id)})) for step in ordered]
    last = max(numbers, default=-1)
    return tuple(
        tuple(step for step, number in zip(ordered, numbers, strict=True) if number == wave)
        for wave in range(last + 1)
    )


def _needs(step: Step) -> frozenset[str]:
    if isinstance(step, Refuse):
        return frozenset()
    return step.needs | step.needs_begun if isinstance(step, Put) else step.needs
