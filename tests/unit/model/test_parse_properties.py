"""Parsing survives anything, and what it has read it reads again."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kube.manifests import table
from tests.kube.manifests.mutation import at, mutated, places

from hacluster.errors import SpecInvalid
from hacluster.model.parse import parse

GOOD = table.good()

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def is_parsed_or_refused(raw: Any) -> None:
    try:
        cluster = parse(raw)
    except SpecInvalid:
        return
    assert parse({**raw, "spec": cluster.spec.wire()}).spec == cluster.spec


@given(st.sampled_from(sorted(GOOD)), st.integers())
@settings(max_examples=300)
def test_a_random_change_is_taken_or_refused(name: str, seed: int) -> None:
    is_parsed_or_refused(mutated(GOOD[name], random.Random(seed)))


@given(st.sampled_from(sorted(GOOD)), st.integers(min_value=0), anything)
@settings(max_examples=300)
def test_anything_anywhere_is_taken_or_refused(name: str, number: int, value: Any) -> None:
    manifest = mutated(GOOD[name], random.Random(number))
    found = [place for place in places(manifest) if place[0] != "metadata"]
    *steps, last = found[number % len(found)]
    at(manifest, tuple(steps))[last] = value
    is_parsed_or_refused(manifest)


@given(anything)
def test_any_spec_is_taken_or_refused(value: Any) -> None:
    is_parsed_or_refused({**GOOD["minimal"], "spec": value})


@given(anything)
def test_any_object_is_taken_or_refused(value: Any) -> None:
    try:
        parse(value)
    except SpecInvalid:
        return
    raise AssertionError("no such object is a cluster")


def test_every_good_manifest_is_read_again_as_it_was() -> None:
    for manifest in GOOD.values():
        cluster = parse(manifest)
        assert parse({**manifest, "spec": cluster.spec.wire()}).spec == cluster.spec
