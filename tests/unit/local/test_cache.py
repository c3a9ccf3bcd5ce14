"""What is kept outside the checkout: made once, complete or not there, and never stale."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hacluster_local.setup import cache


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HACLUSTER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def writer(text: str, made: list[str]) -> Callable[[Path], None]:
    def make(draft: Path) -> None:
        made.append(text)
        (draft / "file").write_text(text)

    return make


def test_an_entry_is_made_once() -> None:
    made: list[str] = []
    first = cache.entry("kind", "key", writer("one", made))
    second = cache.entry("kind", "key", writer("two", made))
    assert (first / "file").read_text() == (second / "file").read_text() == "one"
    assert made == ["one"]


def test_of_many_at_once_one_makes_it_and_all_get_it() -> None:
    made: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        folders = list(
            pool.map(lambda number: cache.entry("k", "k", writer(str(number), made)), range(8))
        )
    assert len(made) == 1
    assert {(folder / "file").read_text() for folder in folders} == set(made)


def test_a_maker_that_fails_leaves_nothing(root: Path) -> None:
    def fail(draft: Path) -> None:
        (draft / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache.entry("kind", "key", fail)
    assert [entry.name for entry in (root / "kind").iterdir()] == [".lock"]


def test_the_draft_of_a_killed_maker_is_no_entry_and_is_removed(root: Path) -> None:
    draft = root / "kind" / f"{cache.DRAFT_PREFIX}killed"
    draft.mkdir(parents=True)
    (draft / "half").touch()
    cache.entry("kind", "key", writer("whole", []))
    assert not draft.exists()


def test_a_digest_tells_contents_apart_and_where_they_end(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text("a")
    assert cache.digest(file, "b") == cache.digest("a", "b")
    assert cache.digest("a", "b") != cache.digest("ab")
    assert cache.digest("a", "b") != cache.digest("b", "a")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"HACLUSTER_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b", id="named"),
        pytest.param({"XDG_CACHE_HOME": "/x"}, "/x/hacluster", id="desktop"),
        pytest.param({"HOME": "/home/u"}, "/home/u/.cache/hacluster", id="default"),
    ],
)
def test_where_the_cache_is(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HACLUSTER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache.root() == Path(expected)
