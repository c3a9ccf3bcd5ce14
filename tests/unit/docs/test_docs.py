"""The pages that people read: their links lead somewhere, and what they quote exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from azuresim.cli import main as sim
from hacluster.cli import main as operator
from hacluster.cli.kubectl import main as plugin
from hacluster.errors import SpecInvalid
from hacluster.model.kinds import CLUSTER_KIND
from hacluster.model.parse import parse

ROOT = Path(__file__).parents[3]
PAGES = (
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("deploy/**/*.md")),
)
COMMANDS = {
    "hacluster": operator,
    ".venv/bin/hacluster": operator,
    "kubectl-hacluster": plugin,
    ".local/sim": sim,
}

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
TARGET = re.compile(r"\bmake ([a-z]+)\b")
OUTSIDE = re.compile(r"https?://|mailto:")
REGISTRIES = re.compile(r"pypi\.|registry\.npmjs|proxy\.golang|docker\.io|ghcr\.io|/simple/")
MACHINES_PATHS = re.compile(r"(?<![\w.~-])/(work|home|root|Users)/")


def page_ids() -> list[str]:
    return [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for language, text in FENCE.findall(page.read_text()):
        if language in languages:
            yield text


def anchors(page: Path) -> set[str]:
    """Return what a link may name after the hash, spelled as web hosts of git spell it."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command of ours, from blocks and from the text."""
    text = page.read_text()
    quoted = [*blocks(page, "sh"), *re.findall(r"`([^`\n]+)`", FENCE.sub("", text))]
    for line in "\n".join(quoted).replace("\\\n", " ").splitlines():
        for part in re.split(r"\||&&|;", line.partition(" #")[0]):
            words = part.split()
            if words and words[0] in COMMANDS:
                yield shlex.split(part)
            elif words[:2] == ["kubectl", "hacluster"]:
                yield ["kubectl-hacluster", *words[2:]]


def unknown_in(words: list[str]) -> str | None:
    """Return the first subcommand or option that click does not know."""
    command: click.Command = COMMANDS[words[0]]
    context = click.Context(command)
    for word in words[1:]:
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(context, word)
            if found is None:
                return word
            command = found
            continue
        names = {name for option in command.params for name in option.opts}
        if word.startswith("-") and word not in names | {"-", "-h", "--help", "--version"}:
            return word
    return None


@pytest.mark.parametrize("page", PAGES, ids=page_ids())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if OUTSIDE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link} names no heading"


@pytest.mark.parametrize("page", PAGES, ids=page_ids())
def test_every_quoted_command_exists(page: Path) -> None:
    for words in commands(page):
        assert unknown_in(words) is None, f"{shlex.join(words)}: there is no {unknown_in(words)}"


@pytest.mark.parametrize("page", PAGES, ids=page_ids())
def test_every_quoted_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    quoted = re.findall(r"`([^`\n]+)`", FENCE.sub("", page.read_text()))
    for text in (*blocks(page, "sh"), *quoted):
        assert set(TARGET.findall(text)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=page_ids())
def test_every_yaml_block_is_yaml_and_every_cluster_in_it_is_allowed(page: Path) -> None:
    for text in blocks(page, "yaml"):
        for document in yaml.safe_load_all(text):
            if isinstance(document, dict) and document.get("kind") == CLUSTER_KIND:
                try:
                    parse(document)
                except SpecInvalid as error:
                    pytest.fail(f"{page.name}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=page_ids())
def test_no_page_names_a_registry_or_a_place_on_one_machine(page: Path) -> None:
    text = page.read_text()
    assert not REGISTRIES.search(text)
    assert not MACHINES_PATHS.search(text)


def test_the_finder_of_commands_finds_them_and_tells_wrong_ones() -> None:
    found = [words for page in PAGES for words in commands(page)]
    assert len(found) >= 10
    assert unknown_in(["hacluster", "plan", "-f", "x", "--live"]) is None
    assert unknown_in(["hacluster", "plam"]) == "plam"
    assert unknown_in(["hacluster", "plan", "--life"]) == "--life"
    assert unknown_in([".local/sim", "fault", "ad"]) == "ad"
    assert ["kubectl-hacluster", "why", "NAME"] in found
    assert unknown_in(["kubectl-hacluster", "mvoe"]) == "mvoe"
