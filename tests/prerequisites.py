"""What a test needs from the machine, asked for in one place.

On a user's machine a missing prerequisite skips the test and says what is missing and how to get
it. In CI (`CI=true`) it fails: there everything is installed, and a skipped test would be a test
that silently stopped proving anything.
"""

import os

import pytest


def require(is_there: object, what: str, remedy: str) -> None:
    """Skip, or in CI fail, unless the prerequisite is there.

    Args:
        is_there: Anything that is true when the prerequisite is present.
        what: The prerequisite, as the start of a sentence: "kube-apiserver", "root".
        remedy: What to do about it, usually a command line.
    """
    if is_there:
        return
    reason = f"{what} is missing; {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
