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
    lines += ["", "GROUP          HERE       HOLDER     EPOCH"]
    for group in status["groups"]:
        holder = group["holder"] or "-"
        name, state = group["name"][:14], group["standing"][:10]
        lines.append(f"{name:14} {state:10} {holder[:10]:10} {group['epoch']:5}")
        lines += [f"  {name[:30]:30} {state}" for name, state in group["resources"].items()]
        if group["whyNotActive"]:
            why = f"not active here: {group['whyNotActive']}"
            lines += textwrap.wrap(why, WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines += ["", "NODE           HEARD"]
    for peer in status["peers"]:
        age = peer["secondsSinceHeard"]
        heard = "never" if age is None else f"{age:.1f} s ago"
        lines.append(f"{peer['name'][:14]:14} {heard}{'' if peer['alive'] else '  (down?)'}")
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
        yield f"not safe from split brain: {status['splitBrainReason']}"
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


def _monitors(monitors: Sequence[Dict[str, Any]]) -> List[str]:
    lines = []
    for monitor in monitors:
        word = "suspended" if monitor["suspended"] else monitor["health"]
        if monitor["simulated"]:
            word += " (simulated)"
        if word in _GOOD or not (monitor["monitored"] or monitor["suspended"]):
            continue
        lines.append(f"{monitor['name'][:18]:18} {word}")
        if monitor["detail"]:
            detail = monitor["detail"]
            lines += textwrap.wrap(detail, WIDTH, initial_indent="  ", subsequent_indent="  ")
    normal = sum(1 for monitor in monitors if monitor["health"] == "Normal")
    return ["", f"MONITORS       {normal} of {len(monitors)} normal here", *lines]
