"""Both witness back ends keep one promise: done, surely not done, or unknown."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.unit.agent.servers import Answer, Records, Request, Token, serving

from hacluster_node.net.blobs import Container
from hacluster_node.witness.blob import BlobRegister
from hacluster_node.witness.lease import LeaseAddress, LeaseRegister
from hacluster_node.witness.register import (
    Conflict,
    Found,
    Missing,
    Register,
    Unknown,
    Written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = 2.0
MakeRegister = "Callable[[str], Register]"


def blob(base: str) -> Register:
    return BlobRegister(Container(base + "/container", identity=Token()), "witness/g")


def reading(path: Path) -> Callable[[], str]:
    return lambda: path.read_text().strip()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("token\n")
    return path


@pytest.fixture(params=["blob", "lease"])
def register(request: pytest.FixtureRequest, token_file: Path) -> Iterator[Register]:
    records = Records()
    if request.param == "blob":
        with serving(records.as_blob) as base:
            yield blob(base)
    else:
        with serving(records.as_lease) as base:
            yield LeaseRegister(LeaseAddress(base, "default", "c-g", reading(token_file)))


def version(outcome: object) -> str:
    assert isinstance(outcome, (Written, Found))
    return outcome.version


def test_a_record_is_made_once_and_changed_only_at_its_version(register: Register) -> None:
    assert register.read(T) == Missing()
    first = version(register.write(b'{"holder": "n1"}', None, T))
    assert register.read(T) == Found(b'{"holder": "n1"}', first)
    assert register.write(b"{}", None, T) == Conflict()
    second = version(register.write(b'{"holder": "n2"}', first, T))
    assert register.write(b"{}", first, T) == Conflict()
    assert register.read(T) == Found(b'{"holder": "n2"}', second)


def test_a_write_on_a_version_of_nothing_is_a_conflict(register: Register) -> None:
    assert register.write(b"{}", '"7"', T) == Conflict()


def test_of_two_writers_at_one_version_one_wins(token_file: Path) -> None:
    records = Records()
    lock = threading.Lock()

    def serialised(request: Request) -> Answer:
        with lock:
            return records.as_blob(request)

    with serving(serialised) as base:
        outcomes: list[object] = []
        threads = [
            threading.Thread(target=lambda: outcomes.append(blob(base).write(b"{}", None, T)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(isinstance(outcome, Written) for outcome in outcomes) == 1
    assert outcomes.count(Conflict()) == 7


@pytest.mark.parametrize("status", [400, 401, 403, 408, 429, 500, 503])
def test_whatever_is_neither_yes_nor_no_is_unknown(status: int) -> None:
    with serving(lambda _: Answer(status, b"", {"x-ms-error-code": "Why"})) as base:
        for outcome in (blob(base).read(T), blob(base).write(b"{}", '"1"', T)):
            assert isinstance(outcome, Unknown)
            assert str(status) in outcome.why
            assert outcome.code == ("HAN-W02" if status in (401, 403) else "HAN-W01")


def test_a_missing_container_is_not_a_missing_record() -> None:
    """Taken for "no record yet", it would let a node begin anew at epoch 1."""
    answer = Answer(404, b"", {"x-ms-error-code": "ContainerNotFound"})
    with serving(lambda _: answer) as base:
        assert isinstance(blob(base).read(T), Unknown)


def test_a_success_without_a_version_is_unknown() -> None:
    with serving(lambda _: Answer(201)) as base:
        assert isinstance(blob(base).write(b"{}", None, T), Unknown)


def test_a_lease_that_is_none_is_unknown(token_file: Path) -> None:
    with serving(lambda _: Answer(200, b"[]")) as base:
        register = LeaseRegister(LeaseAddress(base, "default", "c-g", reading(token_file)))
        assert isinstance(register.read(T), Unknown)
        assert isinstance(register.write(b"{}", "1", T), Unknown)


def test_without_a_token_the_outcome_is_unknown(tmp_path: Path) -> None:
    register = LeaseRegister(
        LeaseAddress("http://127.0.0.1:9", "d", "n", reading(tmp_path / "none"))
    )
    assert isinstance(register.read(T), Unknown)


def test_the_lease_shows_its_holder_to_people(token_file: Path) -> None:
    records = Records()
    with serving(records.as_lease) as base:
        register = LeaseRegister(LeaseAddress(base, "default", "c-g", reading(token_file)))
        register.write(b'{"holder": "n1"}', None, T)
    assert records.lease["spec"]["holderIdentity"] == "n1"


def test_an_empty_lease_holds_no_record_yet_and_keeps_its_owner(token_file: Path) -> None:
    """The operator makes it, since a right to make Leases cannot be bound to names."""
    records, owner = Records(), [{"kind": "HAClusterSpec", "uid": "u-1"}]
    records.version = 5
    records.lease = {"metadata": {"name": "c-g", "resourceVersion": "5", "ownerReferences": owner}}
    with serving(records.as_lease) as base:
        address = LeaseAddress(base, "default", "c-g", reading(token_file))
        first, second = LeaseRegister(address), LeaseRegister(address)
        assert first.read(T) == second.read(T) == Missing()
        written = version(first.write(b'{"holder": "n1"}', None, T))
        assert second.write(b'{"holder": "n2"}', None, T) == Conflict()
        assert second.read(T) == Found(b'{"holder": "n1"}', written)
        assert second.write(b'{"holder": "n2"}', None, T) == Conflict()
        assert isinstance(second.write(b'{"holder": ""}', written, T), Written)
    assert records.lease["metadata"]["ownerReferences"] == owner
    assert records.lease["spec"]["holderIdentity"] is None
