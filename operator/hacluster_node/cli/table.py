"""Status and events as text that fits a phone: at most 44 columns, the bad news first."""

from __future__ import annotations

import textwrap
import time
from typing import Any, Dict, Iterator, List, Mapping, Sequence

WIDTH = 44
_GOOD = frozenset({"Online", "Standby", "Normal"})


def status_table(status: Mapping[str, Any]) -> str:
    """Return a node's status as text."""
    lines = [f"{status['cluster']} / {status['node']}   configuration {status['configuration']}"]
    for bad in _bad_news(status):
        lines += textwrap.wrap(f"! {bad}", WIDTH, subsequent_indent="  ")
    lines += ["", "GROUP          HERE       ACTIVE ON  EPOCH"]
    for group in status["groups"]:
        holder = group["holder"] or "-"
        name, state = group["name"][:14], group["state"][:10]
        lines.append(f"{name:14} {state:10} {holder[:10]:10} {group['epoch']:5}")
        lines += _resources(group)
        if group["whyNotHere"]:
            why = f"not here: {group['whyNotHere']}"
            lines += textwrap.wrap(why, WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines += ["", "NODE           HEARD      GROUPS"]
    for peer in status["peers"]:
        age = peer["heartbeatAgeSeconds"]
        heard = "never" if age is None else f"{age:.1f} s ago"
        mark = "" if peer["alive"] else " (down?)"
        groups = ", ".join(f"{name} {state}" for name, state in peer["groups"].items())
        lines.append(f"{peer['name'][:14]:14} {heard:10} {groups}{mark}")
    lines += _monitors(status["monitors"])
    return "\n".join(lines)


def event_lines(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield each event as time, what, whom, and why on lines of their own."""
    for entry in entries:
        clock = time.strftime("%m-%d %H:%M:%S", time.localtime(entry["at"]))
        epoch = f" @{entry['epoch']}" if entry.get("epoch") else ""
        yield f"{clock} {entry['what']} {entry['subject']}{epoch}"
        yield from textwrap.wrap(entry["why"], WIDTH, initial_indent="  ", subsequent_indent="  ")


def _bad_news(status: Mapping[str, Any]) -> Iterator[str]:
    if not status["splitBrainSafe"]:
        yield f"not safe from split brain: {status['splitBrainWhy']}"
    if status["leaving"]:
        yield f"takes no part in the cluster: {status['leaving']}"
    if status["configurationRefused"]:
        yield f"new configuration refused: {status['configurationRefused']}"
    for code, detail in status["troubles"].items():
        yield f"{code} {detail}"
    if status["witness"]["lastFailure"]:
        yield f"witness: {status['witness']['lastFailure']}"
    for name, why in status["missing"].items():
        yield f"missing {name}: {why}"


def _resources(group: Mapping[str, Any]) -> Iterator[str]:
    for resource in group["resources"]:
        yield f"  {resource['name'][:18]:18} {resource['kind'][:15]:15} {resource['state']}"


def _monitors(monitors: Sequence[Dict[str, Any]]) -> List[str]:
    lines = []
    for monitor in monitors:
        word = "suspended" if monitor["suspended"] else monitor["health"]
        if monitor["simulated"]:
            word += " (simulated)"
        if word in _GOOD or not (monitor["here"] or monitor["suspended"]):
            continue
        lines.append(f"{monitor['name'][:18]:18} {word}")
        if monitor["detail"]:
            detail = monitor["detail"]
            lines += textwrap.wrap(detail, WIDTH, initial_indent="  ", subsequent_indent="  ")
    normal = sum(1 for monitor in monitors if monitor["health"] == "Normal")
    return ["", f"MONITORS       {normal} of {len(monitors)} normal here", *lines]
