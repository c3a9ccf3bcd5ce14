"""Good manifests with something changed at random: what a tired person might write."""

import copy
import random
from collections.abc import Iterator, Mapping
from typing import Any

VALUES: tuple[Any, ...] = (
    0, 1, 2, 5, 30, 64, 65535, 65536, -1, 0.5, 3.0, True, False, "", "a", "A b", "1", "10.6.0.5",
    "10.5.0.120", "10.5.0.255", "10.9.1.6", "10.0.0.0/8", "10.6.0.0/28", "node-1", "web-2", "app",
    "probe", "mirror", "Managed", "External", "Existing", "Windows", "None", "Public", "Internal",
    "TCP", "UDP", "Guide", "Active", "Zones", "LoadBalancer", "FinalActionOnly", "MultiTarget",
    "ProbePort", "/", "/srv/data", [], {}, ["a"], ["node-1"], {"name": "x"}, "x" * 300,
)  # fmt: skip

Place = tuple[Any, ...]
"""Keys and indices, from the outside in."""


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Yield the path of everything inside a value."""
    if isinstance(value, Mapping):
        inner: Any = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        return
    for key, item in inner:
        yield (*here, key)
        yield from places(item, (*here, key))


def at(value: Any, place: Place) -> Any:
    """Return what stands at a place."""
    for step in place:
        value = value[step]
    return value


def mutated(manifest: Mapping[str, Any], dice: random.Random) -> dict[str, Any]:
    """Return a copy whose spec differs in one or two places."""
    result: dict[str, Any] = copy.deepcopy(dict(manifest))
    for _ in range(dice.choice((1, 1, 2))):
        spec = result["spec"]
        *steps, last = dice.choice(list(places(spec)))
        owner = at(spec, tuple(steps))
        how = dice.randrange(4)
        if how == 0:
            del owner[last]
        elif how == 1:
            owner[last] = copy.deepcopy(dice.choice(VALUES))
        elif how == 2:
            owner[last] = copy.deepcopy(at(spec, dice.choice(list(places(spec)))))
        elif isinstance(owner, list):
            owner.append(copy.deepcopy(owner[last]))
        else:
            owner[dice.choice(("size", "name", "type", "nodes", "existing"))] = owner[last]
    return result
