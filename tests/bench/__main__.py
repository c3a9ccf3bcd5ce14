"""Run benchmarks in turn and keep their tables in docs/benchmarks.md.

    python -m tests.bench [NAME ...] [--print]

A name is that of a module here, such as `operator_idle`; without one all are run. Each prints its
tables to standard output, which replace the earlier ones between its marks in the page, and how far
it is to standard error. What cannot run here leaves its earlier tables as they are. No time is
judged: this fails only where a benchmark could not end.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"
SUBJECTS = ("operator_*.py", "azuresim*.py", "agent_*.py", "cluster_*.py")
NOT_POSSIBLE = 2
"""The exit status of a benchmark that this machine does not allow."""


def names() -> list[str]:
    """Return all benchmarks, by subject."""
    return [file.stem for subject in SUBJECTS for file in sorted(HERE.glob(subject))]


def measured(name: str) -> tuple[int, str]:
    """Return the exit status of one benchmark, and its tables as Markdown."""
    command = [sys.executable, "-m", f"tests.bench.{name}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    text = done.stdout.strip()
    is_markdown = text.startswith("#")
    return done.returncode, text if is_markdown else f"```text\n{text}\n```"


def put(name: str, tables: str) -> None:
    """Replace what stands between a benchmark's marks in the page."""
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(?<=<!-- begin {name} -->\n).*?(?=<!-- end {name} -->)", re.DOTALL)
    if not marks.search(page):
        raise SystemExit(f"{PAGE} has no place for {name}: add <!-- begin {name} --> and its end")
    PAGE.write_text(marks.sub(lambda _: f"{tables}\n", page), encoding="utf-8")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--print", action="store_true", help="Leave the page as it is.")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names()):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    wanted = options.names or names()
    failed = []
    for number, name in enumerate(wanted, 1):
        began = time.monotonic()
        say(f"[{number}/{len(wanted)}] {name}")
        status, tables = measured(name)
        sys.stdout.write(f"{tables}\n")
        sys.stdout.flush()
        if status == 0 and not options.print:
            put(name, tables)
        elif status not in {0, NOT_POSSIBLE}:
            failed.append(name)
        say(f"[{number}/{len(wanted)}] {name}: {time.monotonic() - began:.0f} s")
    if failed:
        say(f"Could not be measured: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
