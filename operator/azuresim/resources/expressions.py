"""The expressions of ARM templates, `[concat(parameters('name'), '-nic')]`, and their functions.

Grammar (source: document): a value that begins with `[` and ends with `]` is an expression; calls,
strings in single quotes with `''` for one, whole numbers, `.member` and `[index]`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from azuresim.errors import ArmError, bad_request

TOKEN: Final = re.compile(r"\s*('(?:[^']|'')*'|-?\d{1,18}(?!\d)|[A-Za-z_]\w*|[()\[\].,])")
DEEPEST: Final = 40
LONGEST: Final = 24_576
"""Characters in one expression (source: document)."""

LONGEST_TEXT: Final = 131_072
"""Characters in one value (source: document)."""
MOST_ITEMS: Final = 10_000
"""Items in a list that expressions join (source: assumed)."""
HEAVIEST: Final = 4 << 20
"""Characters of all that expressions make in one place (source: a template's own limit)."""

Function = Callable[..., Any]


def evaluate(value: Any, functions: Mapping[str, Function], depth: int = 0) -> Any:
    """Return a value of a template with every expression in it replaced by what it means.

    Args:
        value: Any JSON.
        functions: What can be called, by case-folded name.
        depth: Levels above this one.

    Raises:
        ArmError: 400 `InvalidTemplate` for what is not understood.
    """
    if depth > DEEPEST:
        raise invalid("it is nested too deeply")
    if isinstance(value, dict):
        return {name: evaluate(inner, functions, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [evaluate(inner, functions, depth + 1) for inner in value]
    if not isinstance(value, str) or not value.startswith("[") or not value.endswith("]"):
        return value
    if value.startswith("[["):
        return value[1:]
    return _Parser(value[1:-1], functions).whole()


def invalid(why: str) -> ArmError:
    """Return the refusal of a template."""
    message = f"Deployment template validation failed: '{why}'."
    return bad_request("InvalidTemplate", message)


class _Parser:
    """Reads one expression and computes it on the way."""

    def __init__(self, text: str, functions: Mapping[str, Function]) -> None:
        if len(text) > LONGEST:
            raise invalid("an expression is too long")
        self._text, self._functions = text, functions
        self._tokens = self._split(text)
        self._at = 0

    def whole(self) -> Any:
        """Return the value of the whole expression."""
        value = self._value(0)
        if self._at != len(self._tokens):
            raise self._wrong()
        return value

    def _split(self, text: str) -> list[str]:
        tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise self._wrong()
            tokens.append(found[1])
            at = found.end()
        return tokens

    def _wrong(self) -> ArmError:
        return invalid(f"the expression {ascii(self._text)[1:-1][:120]} is not understood")

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise invalid("an expression is nested too deeply")
        token = self._next()
        if token.startswith("'"):
            value: Any = token[1:-1].replace("''", "'")
        elif token.lstrip("-").isdigit():
            value = int(token)
        elif token.isidentifier():
            value = self._call(token, depth)
        else:
            raise self._wrong()
        return self._inside(value, depth)

    def _call(self, name: str, depth: int) -> Any:
        function = self._functions.get(name.casefold())
        if function is None:
            raise invalid(f"the simulator has no template function {name[:60]}")
        if self._next() != "(":
            raise self._wrong()
        given: list[Any] = []
        while self._peek() != ")":
            given.append(self._value(depth + 1))
            if self._peek() == ",":
                self._next()
            elif self._peek() != ")":
                raise self._wrong()
        self._next()
        try:
            return function(*given)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise invalid(f"{name[:60]} was called wrongly: {str(error)[:200]}") from None

    def _inside(self, value: Any, depth: int) -> Any:
        while self._peek() in {".", "["}:
            if self._next() == ".":
                at: Any = self._next()
            else:
                at = self._value(depth + 1)
                if self._next() != "]":
                    raise self._wrong()
            value = _member(value, at)
        return value


def _member(value: Any, at: Any) -> Any:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.casefold() == str(at).casefold():
                return inner
    if isinstance(value, list) and isinstance(at, int) and 0 <= at < len(value):
        return value[at]
    raise invalid(f"there is no {str(at)[:80]} in what the expression looks into")


def concat(*parts: Any) -> Any:
    """Return strings or lists joined.

    Raises:
        ArmError: 400 if the result is too long, as in `substitute`.
    """
    if parts and all(isinstance(part, list) for part in parts):
        if sum(map(len, parts)) > MOST_ITEMS:
            raise invalid(f"an expression makes a list of more than {MOST_ITEMS} items")
        return [item for part in parts for item in part]
    return _joined(str(part) for part in parts)


def substitute(text: str, *parts: Any) -> str:
    """Return a text with `{0}`, `{1}` and so on replaced by the parts: the function `format`.

    Raises:
        ArmError: 400 if the result is too long.
        IndexError: If there is no such part.
    """
    pieces = re.split(r"\{(\d{1,4})\}", text)
    return _joined(str(parts[int(each)]) if at % 2 else each for at, each in enumerate(pieces))


def _joined(pieces: Iterable[str]) -> str:
    made, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > LONGEST_TEXT:
            raise invalid(f"an expression makes more than {LONGEST_TEXT} characters")
        made.append(piece)
    return "".join(made)


def require_light(value: Any) -> Any:
    """Return what was evaluated, unless it refers to the same large values again and again.

    Raises:
        ArmError: 400 for more than `HEAVIEST` characters and items, written out.
    """
    weight, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        weight += len(one) if isinstance(one, str) else 1
        if weight > HEAVIEST:
            raise invalid("its expressions make more than 4 MiB")
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
    return value


def resource_id(scope: str, *words: str) -> str:
    """Return the id of a resource below a scope, from its full type and its names."""
    kind, *names = words
    namespace, *types = kind.split("/")
    if len(types) != len(names):
        raise ValueError(f"{len(types)} names are needed for {kind}")
    pairs = "/".join(f"{each}/{name}" for each, name in zip(types, names, strict=True))
    return f"{scope}/providers/{namespace}/{pairs}"
