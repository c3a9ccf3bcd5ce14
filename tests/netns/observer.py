"""The independent witness of a run: polls both nodes' probe ports every 50 ms and writes it down.

    python observer.py OUTPUT ADDRESS:PORT...

It shares no code with the product. One JSON line per answered probe that was a 200:
{"node": index, "sent": seconds, "got": seconds, "epoch": number}.
"""

import asyncio
import json
import re
import sys
import time

EVERY_S = 0.05
PATIENCE_S = 1.0


async def probe(node: int, address: str, port: int, output) -> None:  # type: ignore[no-untyped-def] # a text file
    sent = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(b"GET / HTTP/1.1\r\nHost: probe\r\n\r\n")
                head = await reader.read(1024)
            finally:
                writer.transport.abort()
    except OSError:
        return
    if not head.startswith(b"HTTP/1.1 200"):
        return
    epoch = re.search(rb"HA-Epoch: (\d+)", head)
    found = int(epoch[1]) if epoch else -1
    line = {"node": node, "sent": sent, "got": time.monotonic(), "epoch": found}
    output.write(json.dumps(line) + "\n")
    output.flush()


async def main(target: str, places: list[str]) -> None:
    split = [place.rsplit(":", 1) for place in places]
    nodes = [(number, address, int(port)) for number, (address, port) in enumerate(split)]
    running: set[asyncio.Task[None]] = set()
    with open(target, "a", encoding="ascii") as output:  # noqa: ASYNC230, PTH123 - a few bytes, and no code shared
        due = time.monotonic()
        while True:
            for number, address, port in nodes:
                task = asyncio.create_task(probe(number, address, port, output))
                running.add(task)
                task.add_done_callback(running.discard)
            due += EVERY_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
