"""A reply before it is bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azuresim.errors import ArmError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers and a body that can be JSON; None is no body.

    Attributes:
        delay_s: Real seconds the reply is held back.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


def refusal(error: ArmError) -> Answer:
    """Return the reply an error stands for."""
    return Answer(status=error.status, body=error.body(), headers=error.headers)
