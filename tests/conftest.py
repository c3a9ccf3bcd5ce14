"""How the levels of tests run together: each folder is a level, and what shares the machine's
one-off things runs in turn."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
"""A machine that is busy with something else fails no test."""

asyncio.set_event_loop(None)
"""pytest-asyncio asks for the current loop before each test; the first to ask would be given a new
one, which nobody closes, and whichever test runs when it is collected would fail for it."""

HERE = Path(__file__).parent
LEVELS_WITH_MARKER = ("sim", "kube", "netns", "mirror", "bench")
ONE_AT_A_TIME = ("kube", "local", "netns")
"""Levels that stay on one worker: they share a control plane, or the machine's network."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level, and keep tests that share fixtures on one worker."""
    for item in items:
        level, *rest = item.path.relative_to(HERE).parts
        if level in LEVELS_WITH_MARKER:
            item.add_marker(level)
        if item.get_closest_marker("xdist_group") is None:
            together = level if level in ONE_AT_A_TIME else "/".join([level, *rest])
            item.add_marker(pytest.mark.xdist_group(together))
