"""What a tired administrator sees: everything that matters, within 80 columns."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.plugin import samples

from hacluster.cli.plugin import tables
from hacluster.cli.plugin.lines import Line, duration, show
from hacluster.cli.plugin.picture import picture
from hacluster.cli.plugin.scene import Scene
from hacluster.cli.plugin.why import why, wrong
from hacluster.model.status import ClusterStatus

EVERY = {
    "well": samples.well(),
    "dns": samples.well("azure-dns"),
    "public": samples.well("public-load-balancer"),
    "trouble": samples.in_trouble(),
    "three": samples.of_three(),
    "new": {**samples.well(), "status": {}},
}


def drawn(body: dict[str, Any], operations: Sequence[dict[str, Any]] = ()) -> list[str]:
    return [str(line) for line in picture(Scene(body, samples.NOW, operations))]


def status(body: dict[str, Any]) -> ClusterStatus:
    return ClusterStatus.model_validate(body["status"])


@pytest.mark.parametrize("name", EVERY)
def test_no_line_is_wider_than_80_columns(name: str) -> None:
    body = EVERY[name]
    shown = [*picture(Scene(body, samples.NOW, [samples.move()]))]
    shown += why("cluster1", status(body), samples.NOW)
    assert max(line.width for line in shown) <= 80


def test_the_heavy_line_leads_to_the_node_that_serves() -> None:
    left, right = drawn(samples.well()), drawn(samples.in_trouble())
    assert any(line.startswith("┌─────┸") and line.count("┸") == 1 for line in left)
    assert any("┡━" in line and line.endswith("━┓") for line in right)
    row = next(line for line in right if "┸" in line)
    assert row.index("┸") > 40, "node-2 is the right one"
    nobody = "\n".join(drawn(EVERY["new"]))
    assert not set("┃┸┡┓") & set(nobody)


def test_it_shows_who_serves_what_guards_and_what_is_under_way() -> None:
    text = "\n".join(drawn(samples.well(), [samples.move()]))
    for fact in (
        "READY",
        "10.5.0.200, port 80",
        "TestLoadBalancer",
        "ACTIVE",
        "standby",
        "failover1: Online on node-1 for 2 h 5 min, epoch 7",
        "md: in step",
        "witness guards",
        "node-2 → node-1 in 27 s",
        "Move failover1 node-2: Running",
    ):
        assert fact in text, fact
    assert "kubectl hacluster why" not in text


def test_trouble_is_named_and_leads_on() -> None:
    text = "\n".join(drawn(samples.in_trouble()))
    for fact in (
        "NOT READY: NodeDown",
        "silent for 12 min 34 s",
        "machine deallocated",
        "! azureppw1 SimulatedFailure",
        "witness: not known",
        "DEGRADED      NodeDown",
        "kubectl hacluster why cluster1",
    ):
        assert fact in text, fact


def test_what_is_not_known_is_never_shown_as_well() -> None:
    text = "\n".join(drawn(EVERY["new"]))
    assert "is the operator running?" in text
    assert "in step" not in text
    assert "guards" not in text
    assert text.count("not known") >= 6


def test_every_node_of_a_bigger_cluster_has_its_branch() -> None:
    text = drawn(samples.of_three())
    assert sum("├──" in line or "┣━━" in line for line in text) == 3
    assert next(line for line in text if "┣━━" in line).endswith("ACTIVE")


def test_a_mirror_out_of_step_is_loud() -> None:
    body = samples.well()
    message = "md on node-2 lacks the newest data"
    body["status"]["conditions"][-1] = samples.condition(
        "Degraded", "True", "MirrorOutOfStep", message
    )
    text = "\n".join(drawn(body))
    assert "│═x═│" in text
    assert "OUT OF STEP" in text


def test_why_says_nothing_is_wrong_only_if_nothing_is() -> None:
    assert wrong(status(samples.well())) == ()
    (line,) = why("cluster1", status(samples.well()), samples.NOW)
    assert "everything is as it should be" in str(line)
    new = [str(line) for line in why("cluster1", ClusterStatus(), samples.NOW)]
    assert "is the operator running?" in new[0]


def test_why_gives_seen_meaning_and_remedy_the_worst_first() -> None:
    known = status(samples.in_trouble())
    assert [one.type for one in wrong(known)] == ["SplitBrainSafe", "Degraded", "AzureReconciled"]
    text = " ".join(str(line).strip() for line in why("cluster1", known, samples.NOW))
    assert "Degraded is True: NodeDown, for 12 min" in text
    assert "A node's machine is missing or does not run." in text
    assert "one that was stopped has to be started" in " ".join(text.split())
    assert "kubectl hacluster clear azureppw1" in text
    assert "start it by hand" in text


def test_a_reason_that_is_not_in_the_catalogue_is_still_shown() -> None:
    body = samples.well()
    body["status"]["conditions"][0] = samples.condition("Ready", "False", "NewReason", "of a newer")
    text = "\n".join(str(line) for line in why("c", status(body), samples.NOW))
    assert "NewReason" in text
    assert "of a newer" in text


def test_what_a_reason_means_is_told_once() -> None:
    body = samples.well()
    for place, kind in ((4, "ExactlyOneActive"), (6, "Degraded")):
        body["status"]["conditions"][place] = samples.condition(
            kind, "Unknown", "NobodyServes", f"{kind} is not known"
        )
    text = [str(line) for line in why("c", status(body), samples.NOW)]
    assert sum("means" in line for line in text) == 1
    assert sum("NobodyServes" in line for line in text) == 2


def test_a_balancer_without_a_name_is_only_a_balancer() -> None:
    assert "   balancer, internal" in drawn(samples.well("minimal"))


def test_the_plan_tells_what_waits_and_for_what() -> None:
    text = "\n".join(str(line) for line in tables.plan("c", status(samples.in_trouble())))
    assert "1 step, 1 difference" in text
    assert "start it by hand" in text
    assert "declared running, Azure has deallocated" in text
    assert "nothing to do" in str(next(tables.plan("c", status(samples.well()))))


def test_events_are_told_the_newest_last() -> None:
    found = [
        {"type": "Normal", "reason": "New", "message": "b", "lastTimestamp": samples.back(hours=1)},
        {"type": "Warning", "reason": "Old", "message": "a", "lastTimestamp": samples.back(days=1)},
    ]
    text = [str(line) for line in tables.events(found, samples.NOW)]
    assert [line.split()[-1] for line in text] == ["Old", "a", "New", "b"]
    assert "1 d ago" in text[0]


def test_a_terminal_without_such_letters_gets_plain_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    file = tmp_path / "out"
    with file.open("w", encoding="ascii") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        show(picture(Scene(samples.in_trouble(), samples.NOW)))
    text = file.read_text()
    assert text.isascii()
    assert "?" not in text.replace(" ? ", "").replace("running?", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (1e6, "11 d 13 h"),
    ],
)
def test_durations_are_said_in_two_units(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_a_long_line_is_cut_with_its_colours() -> None:
    line = Line((("abc", "red"), ("defgh", "")))
    assert str(line.cut(5)) == "abcd…"
    assert line.padded(10).width == 10
