"""A file that a user wrote (a policy, rules) as plain data: YAML or TOML, read within bounds.

Owns what is refused before anybody looks at the content: no file, too large, not UTF-8, not the
grammar, the same key twice, aliases that go in a circle or multiply. Knows no key of any.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

from pytest_ato.model.errors import PolicyError
from pytest_ato.model.octets import show
from pytest_ato.model.policy import Source
from pytest_ato.target import files

if TYPE_CHECKING:
    import yaml

Data: TypeAlias = Any
"""Mappings, lists, strings, numbers, booleans, dates and None."""

LARGEST: Final = 1 << 20
"""Bytes: some 30,000 entries, read in about a second."""
_DEEPEST: Final = 16
_MOST: Final = 100_000
"""Values of one file, each counted as often as aliases repeat it."""
_LEAST: Final = "a policy has at least one key, such as declared"


def read(path: Path, what: str = "policy", least: str = _LEAST) -> tuple[Data, Source]:
    """Read a file, TOML where its name ends in ``.toml``, else YAML.

    `what` is it, and what has it at `least`, for messages about it.

    Raises `UsageError` where there is no file to read, `PolicyError` for what is in it.
    """
    with files.open_regular(path, what) as file:
        content = file.read(LARGEST + 1)
    return parse(content, path, what, least)


def parse(
    content: bytes, path: Path, what: str = "policy", least: str = _LEAST
) -> tuple[Data, Source]:
    """Parse what a file at `path` holds; raises `PolicyError`."""
    name = files.printable(path)
    if len(content) > LARGEST:
        raise PolicyError(
            f"{name} is larger than {LARGEST >> 20} MiB; a {what} names what one program needs, "
            "long lists of bad names or networks are lists of their own"
        )
    text = _text(content, name, least)
    data = _toml(text, name) if path.suffix == ".toml" else _yaml(text, name)
    _Bounds(name, what, least).check(data)
    return data, Source(name=path.name, sha256=hashlib.sha256(content).hexdigest())


def _text(content: bytes, name: str, least: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyError(f"{name}: line {line} is not UTF-8; save the file as UTF-8") from None
    if not text.strip():
        raise PolicyError(f"{name} is empty; {least}")
    return text.replace("\r\n", "\n")


def _toml(text: str, name: str) -> Data:
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{name} is not TOML: {show(str(error))}") from None


def _yaml(text: str, name: str) -> Data:
    import yaml

    try:
        _check_nesting(text, name)
        return yaml.load(text, Loader=_loader())  # noqa: S506  (a child of SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}: " if mark is not None else ""
        raise PolicyError(f"{name}: {place}{_problem(error)}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(f"{name} is not YAML: {show(str(error))}") from None


def _problem(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return show("not YAML: " + ", ".join(parts))


def _check_nesting(text: str, name: str) -> None:
    """Refuse deep nesting as soon as it is read: to build it takes a stack frame a level."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            place = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
            raise PolicyError(f"{name}: {place}nested more than {_DEEPEST} deep")


@cache
def _loader() -> type[yaml.SafeLoader]:
    """SafeLoader that knows only what YAML 1.2 and JSON do: ``NO`` is a country, 22:80 no number,
    a date stays text; a key is there once, and ``<<`` is a key like any other."""
    import yaml

    base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    members: dict[str, object] = {"yaml_implicit_resolvers": {}}
    loader = cast("type[yaml.SafeLoader]", type("Loader", (base,), members))
    for tag, pattern, first in _PLAIN:
        resolver = re.compile(f"(?:{pattern})$")
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", resolver, list(first))
    loader.add_constructor("tag:yaml.org,2002:map", _mapping)
    return loader


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Iterator[Data]:
    """Construct a mapping as SafeLoader does: first empty, so that an alias inside can mean it."""
    mapping: dict[str, Data] = {}
    yield mapping
    for key, value in node.value:
        if key.tag != "tag:yaml.org,2002:str":
            _refuse("a key is text, in quotes where it looks like something else", key)
        if key.value in mapping:
            _refuse(f"{show(key.value, 60)} is there twice", key)
        mapping[key.value] = loader.construct_object(value)


_PLAIN: Final = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
)
"""Tag, form and first characters of what is not text (YAML 1.2, section 10.3.2, without its odd
numbers)."""


def _refuse(problem: str, node: yaml.Node) -> NoReturn:
    import yaml

    raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


class _Bounds:
    """A walk over the data as whoever decodes it will see it: shared parts each time anew."""

    def __init__(self, name: str, what: str, least: str) -> None:
        self._name = name
        self._what = what
        self._least = least
        self._left = _MOST

    def check(self, data: Data, path: str = "", above: tuple[int, ...] = ()) -> None:
        """Refuse circles, and more values than a policy has."""
        self._left -= 1
        if self._left < 0:
            where = path or "the file"
            raise PolicyError(f"{self._name}: {where}: more than {_MOST:,} values in all")
        if not isinstance(data, (dict, list)):
            self._check_plain(data, path)
            return
        if id(data) in above:
            raise PolicyError(f"{self._name}: {path}: an alias that contains itself")
        if len(above) >= _DEEPEST:
            raise PolicyError(f"{self._name}: {path}: nested more than {_DEEPEST} deep")
        if isinstance(data, dict):
            children = ((f"{path}.{key}" if path else str(key), data[key]) for key in data)
        else:
            children = ((f"{path}[{number}]", item) for number, item in enumerate(data))
        for place, child in children:
            self.check(child, show(place, 200), (*above, id(data)))

    def _check_plain(self, data: Data, path: str) -> None:
        if data is None and not path:
            raise PolicyError(f"{self._name} is empty; {self._least}")
        if data is None:
            problem = "there is nothing; write a value, or [] for none, or leave the key out"
            raise PolicyError(f"{self._name}: {path}: {problem}")
        if not isinstance(data, (str, int, float, datetime.date)):
            problem = f"a {self._what} has no values of this kind ({type(data).__name__})"
            raise PolicyError(f"{self._name}: {path}: {problem}")
