"""What a script puts in place, the same for every system: packages, files and commands."""

from base64 import b64encode
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """A content that comes by a protected parameter of this name, in Base64."""

    name: str


Content = str | Parameter
"""Of a file: in Base64, or where it comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWanted:
    """A file as it ought to be."""

    path: str
    mode: int
    owner: str
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """All that is to be in place on a node."""

    packages: tuple[str, ...] = ()
    files: tuple[FileWanted, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    """What is run, and what tells whether it is needed."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters that contents come by."""
        contents = (file.content for file in self.files)
        return tuple(one.name for one in contents if isinstance(one, Parameter))


def encoded(text: str) -> str:
    """Return a text in Base64, which no quoting, line ending or code page can change."""
    return b64encode(text.encode()).decode()
