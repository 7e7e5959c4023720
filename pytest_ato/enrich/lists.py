"""Lists of known bad names and networks: plain text, hosts files, STIX 2.1 bundles.

Owns their forms. A list is given by the user and says of when it is (``# as of 2026-01-31``, or
the newest date of a bundle); its digest goes into the report. Reading a million lines takes about
a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.enrich.files import read_text
from pytest_ato.model.errors import UsageError
from pytest_ato.model.lists import KnownList, Lists
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show

_AS_OF: Final = re.compile(
    r"[#!;]\s*(?:as of|last[- ](?:modified|updated)|date|updated)\s*:?\s*(\d{4}-\d{2}-\d{2})",
    re.IGNORECASE | re.MULTILINE,
)
_HEAD: Final = 4096
"""Characters at the beginning in which a text list tells its date."""
_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,252}")
_PLAIN: Final = re.compile(
    r"^(?:(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+)?([a-z0-9_][a-z0-9_.-]{0,252})\r?$", re.MULTILINE
)
"""A line that is a name, or a hosts file's of one name: all but a few of a large list."""
_HOSTS: Final = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104  (lists block by it)
_NO_NAMES: Final = frozenset(
    {"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost"}
    | {"ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters"}
    | {"ip6-allhosts", "0.0.0.0"}  # noqa: S104
)
"""What hosts files define besides what they block."""
_STIX: Final = re.compile(
    r"\[?\s*(?:domain-name:value|url:value)\s*=\s*'(?:https?://)?([^'/:?#]{1,253})"
)


class _Indicator(msgspec.Struct):
    type: str = ""
    pattern: str = ""
    pattern_type: str = "stix"
    valid_from: str = ""
    valid_until: str = ""
    modified: str = ""
    revoked: bool = False


class _Bundle(msgspec.Struct):
    type: str
    objects: list[_Indicator] = []


def load(domains: Iterable[Path], asns: Iterable[Path]) -> Lists:
    """Read all files; raises UsageError with file and line of the first that is malformed."""
    names = [_domains(path) for path in domains]
    numbers = [_asns(path) for path in asns]
    sources = (*(known for known, _ in names), *(known for known, _ in numbers))
    return Lists(sources=sources, domains=tuple(names), asns=tuple(numbers))


def _domains(path: Path) -> tuple[KnownList, frozenset[str]]:
    text, digest = read_text(path, "the list of domains")
    if text.lstrip()[:1] == "{":
        names, as_of = _bundle(text, path)
    else:
        names = _names(text, path)
        as_of = _date(text)
    return _known(path, digest, as_of, len(names)), names


def _asns(path: Path) -> tuple[KnownList, frozenset[int]]:
    text, digest = read_text(path, "the list of networks")
    numbers = set()
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].partition(";")[0].strip().upper().removeprefix("AS")
        if not word:
            continue
        if not (word.isascii() and word.isdigit() and 0 < int(word[:12]) < 1 << 32):
            raise UsageError(f"{show(str(path))}:{number}: {show(word, 60)!r} is no AS number")
        numbers.add(int(word))
    return _known(path, digest, _date(text), len(numbers)), frozenset(numbers)


def _known(path: Path, digest: str, as_of: str, entries: int) -> KnownList:
    if not entries:
        raise UsageError(f"the list {show(str(path))} is empty: leave it out, or give a full one")
    return KnownList(name=show(path.name), sha256=digest, as_of=as_of, entries=entries)


def _date(text: str) -> str:
    said = _AS_OF.search(text[:_HEAD])
    return said[1] if said else ""


def _names(text: str, path: Path) -> frozenset[str]:
    """The names of a plain list (one a line) or a hosts file (address, then names)."""
    text = text.lower()
    names = set(_PLAIN.findall(text))
    names.update(_others(_PLAIN.sub("", text), path))
    return frozenset({name.rstrip(".") for name in names} - _NO_NAMES - _HOSTS)


def _others(text: str, path: Path) -> Iterator[str]:
    """The names of lines that hold more than a name."""
    for number, line in enumerate(text.split("\n"), 1):
        words = [] if line[:1] in ("#", "!", ";", "") else line.partition("#")[0].split()
        if words and words[0] in _HOSTS:
            del words[0]
        elif len(words) > 1:
            raise UsageError(
                f"{show(str(path))}:{number}: expected a name, or a line of a hosts file, "
                f"not {show(line.strip(), 60)!r}"
            )
        for word in words:
            name = _ascii(word.removeprefix("*."))
            if name is None or not _NAME.fullmatch(name):
                raise UsageError(
                    f"{show(str(path))}:{number}: {show(word, 60)!r} is no domain name"
                )
            yield name


def _ascii(name: str) -> str | None:
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return None


def _bundle(text: str, path: Path) -> tuple[frozenset[str], str]:
    """The names of a STIX 2.1 bundle's indicators that are not revoked, and its newest date."""
    try:
        bundle = msgspec.json.decode(text, type=_Bundle)
    except MALFORMED as error:
        raise UsageError(f"{show(str(path))} is no STIX bundle: {show(str(error), 120)}") from None
    if bundle.type != "bundle":
        raise UsageError(f"{show(str(path))} is no STIX bundle: its type is {bundle.type!r}")
    names = set()
    dates = [""]
    for each in bundle.objects:
        if each.type != "indicator" or each.revoked or each.pattern_type != "stix":
            continue
        dates.append(each.modified[:10] or each.valid_from[:10])
        for found in _STIX.findall(each.pattern):
            name = _ascii(found.lower().rstrip("."))
            if name is not None and _NAME.fullmatch(name):
                names.add(name)
    newest = max(dates)
    return frozenset(names), newest if re.fullmatch(r"\d{4}-\d{2}-\d{2}", newest) else ""
