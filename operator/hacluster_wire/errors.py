"""The one error of this package.

WireError            a message was refused; `code` says why in one stable word
"""

from __future__ import annotations


class WireError(ValueError):
    """A message was refused.

    The text never quotes the message itself: a forged one may hold anything.

    Attributes:
        code: one stable word, such as `signature` or `replayed`, for counters.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
