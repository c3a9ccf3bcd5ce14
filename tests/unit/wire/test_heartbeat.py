"""The heartbeat datagram: what is signed, what is refused, and a million forgeries."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from hacluster_wire import heartbeat as codec
from hacluster_wire.errors import WireError
from hacluster_wire.heartbeat import Heartbeat, Receiver, Rollout
from hacluster_wire.keys import KeyRing, Secret, derive, parse_ring
from hacluster_wire.replay import Budget, ReplayFilter

OLD, NEW = Secret(b"o" * 32), Secret(b"n" * 32)
RING = KeyRing(keys={"k1": OLD}, active="k1")
READER = Receiver(keys=RING, cluster="c1", node="n2")
BEAT = Heartbeat(
    cluster="c1",
    sender="n1",
    receiver="n2",
    boot_id="boot",
    incarnation="i1",
    sequence=7,
    epoch=3,
    nonce=b"12345678",
    echo=b"87654321",
    body={"groups": {"g": "active"}},
)


def refused(packet: bytes, reader: Receiver = READER) -> str:
    with pytest.raises(WireError) as caught:
        codec.decode(packet, reader)
    return caught.value.code


def test_what_is_encoded_is_decoded() -> None:
    assert codec.decode(codec.encode(BEAT, RING), READER) == BEAT


def test_each_flipped_byte_is_refused() -> None:
    packet = codec.encode(BEAT, RING)
    for at in range(len(packet)):
        forged = bytearray(packet)
        forged[at] ^= 1
        refused(bytes(forged))


def test_each_shortened_or_lengthened_packet_is_refused() -> None:
    packet = codec.encode(BEAT, RING)
    for size in range(len(packet)):
        refused(packet[:size])
    assert refused(packet + b"\0") == "size"
    assert refused(b"\0" * 1401) == "size"


def test_a_packet_of_another_cluster_or_for_another_node_is_refused() -> None:
    assert refused(codec.encode(replace(BEAT, cluster="c2"), RING)) == "cluster"
    assert refused(codec.encode(replace(BEAT, receiver="n3"), RING)) == "receiver"


def test_a_key_is_rotated_without_a_refused_packet() -> None:
    both_old_active = KeyRing(keys={"k1": OLD, "k2": NEW}, active="k1")
    both_new_active = KeyRing(keys={"k1": OLD, "k2": NEW}, active="k2")
    only_new = KeyRing(keys={"k2": NEW}, active="k2")
    steps = [RING, both_old_active, both_new_active, only_new]
    for mine, theirs in itertools.pairwise(steps):
        for signs, reads in ((mine, theirs), (theirs, mine)):
            assert codec.decode(codec.encode(BEAT, signs), replace(READER, keys=reads)) == BEAT
    assert refused(codec.encode(BEAT, only_new)) == "signature"


def test_an_unsigned_packet_passes_only_before_enforce_and_is_not_authentic() -> None:
    unsigned = codec.encode(BEAT, RING, Rollout.RECEIVE_ONLY)
    assert refused(unsigned) == "signature"
    for rollout in (Rollout.RECEIVE_ONLY, Rollout.PERMISSIVE):
        assert not codec.decode(unsigned, replace(READER, rollout=rollout)).authentic


def test_a_wrongly_signed_packet_is_refused_even_when_unsigned_ones_pass() -> None:
    wrong = codec.encode(BEAT, KeyRing(keys={"k1": NEW}, active="k1"))
    assert refused(wrong, replace(READER, rollout=Rollout.PERMISSIVE)) == "signature"


def test_a_packet_that_would_not_fit_a_frame_is_not_made() -> None:
    with pytest.raises(WireError, match="at most 1400"):
        codec.encode(replace(BEAT, body={"x": "y" * 1400}), RING)


@pytest.mark.parametrize("body", ["[]", "{", "[" * 1000])
def test_a_body_that_is_not_an_object_is_refused(body: str) -> None:
    plain = codec.encode(replace(BEAT, body={}), RING)[: -codec.MAC_BYTES - len("{}")]
    message = plain[:27] + len(body).to_bytes(2, "big") + plain[29:] + body.encode()
    assert refused(message + RING.sign(message)) == "body"


def test_a_secret_never_shows_itself() -> None:
    assert "o" * 8 not in f"{OLD!r} {OLD} {RING!r} {READER!r}"


def test_derived_keys_differ_by_purpose_and_node() -> None:
    master = b"m" * 32
    purposes = [("heartbeat", ""), ("document", "n1"), ("document", "n2"), ("document", "")]
    assert len({derive(master, *purpose).reveal() for purpose in purposes}) == 4


@pytest.mark.parametrize(
    ("texts", "active"),
    [
        pytest.param({}, "k1", id="none"),
        pytest.param({"k1": "AAAA"}, "k1", id="short"),
        pytest.param({"k1": "?"}, "k1", id="not base64"),
        pytest.param({"k1": "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="}, "k2", id="active"),
        pytest.param({"k 1": "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="}, "k 1", id="name"),
    ],
)
def test_a_bad_key_ring_is_refused(texts: dict[str, str], active: str) -> None:
    with pytest.raises(WireError):
        parse_ring(texts, active)


class Counter:
    """Nonces that count, so that a test can name them."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(8, "big")


def admitted(replay: ReplayFilter, beat: Heartbeat) -> str:
    try:
        replay.admit(beat)
    except WireError as error:
        return error.code
    return "admitted"


def test_a_new_incarnation_counts_only_after_echoing_our_nonce() -> None:
    replay = ReplayFilter(Counter())
    nonce, echo = replay.greeting("n1")
    assert echo == codec.NO_NONCE
    assert admitted(replay, replace(BEAT, echo=codec.NO_NONCE)) == "unproven"
    assert replay.greeting("n1") == (nonce, BEAT.nonce)
    assert admitted(replay, replace(BEAT, echo=nonce)) == "admitted"


def test_a_recording_of_an_earlier_incarnation_never_counts_again() -> None:
    replay = ReplayFilter(Counter())
    first = replace(BEAT, echo=replay.greeting("n1")[0])
    assert admitted(replay, first) == "admitted"
    second = replace(BEAT, incarnation="i2", sequence=1, echo=replay.greeting("n1")[0])
    assert admitted(replay, second) == "admitted"
    assert admitted(replay, first) == "unproven"
    assert admitted(replay, second) == "replayed"


def test_within_an_incarnation_the_sequence_grows() -> None:
    replay = ReplayFilter(Counter())
    beat = replace(BEAT, echo=replay.greeting("n1")[0])
    sequences = [7, 7, 6, 9, 8, 10]
    seen = [admitted(replay, replace(beat, sequence=sequence)) for sequence in sequences]
    assert seen == ["admitted", "replayed", "replayed", "admitted", "replayed", "admitted"]


def test_a_flood_is_cut_to_the_rate_and_memory_stays_bounded() -> None:
    budget = Budget(rate=10.0, burst=20, sources=4)
    taken = sum(budget.take("10.0.0.1", now / 1000) for now in range(10_000))
    assert 100 <= taken <= 121
    assert all(budget.take(f"10.0.1.{n}", 10.0) for n in range(200))


def test_of_a_million_forged_replayed_and_foreign_packets_none_is_accepted() -> None:
    """Six kinds of attack; each packet runs through the whole path a real one takes."""
    dice = random.Random(20)
    replay = ReplayFilter(Counter())
    proven = replace(BEAT, echo=replay.greeting("n1")[0])
    genuine = codec.encode(proven, RING)
    replay.admit(codec.decode(genuine, READER))
    stranger = KeyRing(keys={"k1": NEW}, active="k1")
    recorded = [codec.encode(replace(proven, sequence=n), RING) for n in range(8)]
    other = [
        codec.encode(replace(proven, incarnation=f"i{n}", sequence=99), RING) for n in range(8)
    ]
    foreign = [codec.encode(replace(proven, cluster="c2"), RING)]
    foreign += [codec.encode(replace(proven, receiver="n9", sequence=99), RING)]
    forged = [codec.encode(replace(proven, sequence=10 + n), stranger) for n in range(8)]
    fixed = recorded + other[2:] + foreign + forged
    size = len(genuine)
    accepted = tried = 0
    for tried in range(1, 1_000_001):
        kind = tried & 3
        if kind == 0:
            packet = fixed[dice.randrange(len(fixed))]
        elif kind == 1:
            at = dice.randrange(size)
            flip = bytes((genuine[at] ^ (1 + dice.randrange(255)),))
            packet = genuine[:at] + flip + genuine[at + 1 :]
        elif kind == 2:
            packet = genuine[: dice.randrange(size)] + dice.randbytes(dice.randrange(64))
        else:
            packet = dice.randbytes(dice.randrange(200))
        try:
            replay.admit(codec.decode(packet, READER))
        except WireError:
            continue
        accepted += 1
    assert (tried, accepted) == (1_000_000, 0)
    later = replace(proven, sequence=1000)
    assert admitted(replay, codec.decode(codec.encode(later, RING), READER)) == "admitted"
