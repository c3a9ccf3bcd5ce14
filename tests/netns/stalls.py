"""Tells when the machine itself stood still: one sleeper on each core, late when nobody ran it.

    python stalls.py OUTPUT

The protocol stays safe however late a timer fires, but that a group is *active* again within some
seconds is only promised where timers fire within J (`docs/protocol.md`). A busy or stolen machine
breaks that, and then a story proves nothing and is told again. One JSON line per gap:
{"at": monotonic seconds of its end, "late": seconds}.
"""

import json
import os
import sys
import time

EVERY_S = 0.02
SLACK_S = 0.3
"""J of the fastest profile."""


def watch(output) -> None:  # type: ignore[no-untyped-def] # a text file
    before = time.monotonic()
    while True:
        time.sleep(EVERY_S)
        now = time.monotonic()
        late = now - before - EVERY_S
        if late > SLACK_S:
            output.write(json.dumps({"at": now, "late": round(late, 3)}) + "\n")
            output.flush()
        before = now


def main(target: str) -> None:
    first, *others = sorted(os.sched_getaffinity(0))
    mine = first
    for core in others:
        if os.fork() == 0:
            mine = core
            break
    os.sched_setaffinity(0, {mine})
    with open(target, "a", encoding="ascii") as output:  # noqa: PTH123 - no code shared
        watch(output)


if __name__ == "__main__":
    main(sys.argv[1])
