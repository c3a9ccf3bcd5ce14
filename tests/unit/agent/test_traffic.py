"""The rules that hold and cut a group's packets, as the kernel's own parser takes them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from hacluster_node.system.port import Traffic
from hacluster_node.system.traffic import ruleset

SERVICE = Traffic(ports=(80, 443), addresses=("10.5.0.200", "fd00::5"))


def test_nothing_held_or_cut_is_an_empty_table() -> None:
    text = ruleset([], [])
    assert "drop" not in text
    assert "reject" not in text


def test_held_packets_are_dropped_without_a_word() -> None:
    text = ruleset([SERVICE], [])
    assert "tcp dport { 80, 443 } drop" in text
    assert "udp sport { 80, 443 } drop" in text
    assert "ip daddr 10.5.0.200 drop" in text
    assert "ip6 saddr fd00::5 drop" in text
    assert "reset" not in text


def test_cut_flows_end_with_a_reset_and_nothing_else_leaves() -> None:
    text = ruleset([], [SERVICE])
    assert "tcp dport { 80, 443 } meta l4proto tcp reject with tcp reset" in text
    assert text.index("& rst == rst accept") < text.index("tcp sport { 80, 443 } drop")


@pytest.mark.skipif(shutil.which("nft") is None or os.geteuid() != 0, reason="needs nft and root")
def test_the_kernel_takes_every_form() -> None:
    for held, cut in (([], []), ([SERVICE], []), ([], [SERVICE]), ([SERVICE], [SERVICE])):
        done = subprocess.run(
            ["unshare", "-n", "nft", "-f", "-"],
            input=ruleset(held, cut), text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
