"""What a rule says: the shape of a rule file, and which events a rule can look at.

Data only. What a condition means is in `conditions`; the checks beyond types are in `load`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity
from pytest_ato.model.record import Event

Value: TypeAlias = bool | int | float | str


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of one field; all that is given must hold. Of a list, any item may do."""

    eq: Value | None = None
    in_: tuple[Value, ...] | None = msgspec.field(default=None, name="in")
    glob: str | tuple[str, ...] | None = None
    """``*``, ``?`` and ``[...]``; a ``*`` also stands for a slash."""
    regex: str | tuple[str, ...] | None = None
    """RE2's grammar, found anywhere in the text."""
    cidr: str | tuple[str, ...] | None = None
    not_: Condition | None = msgspec.field(default=None, name="not")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: which event, under which conditions, and what it then means."""

    id: str
    """Like ``ACME-EXF-001``; unique among all detectors."""
    name: str
    """Like ``acme_backup``; unique among all detectors."""
    category: Category
    severity: Severity
    title: str
    """One line: what it means."""
    event: str
    """Kind of the event, such as ``exec`` or ``dns``."""
    where: dict[str, Condition]
    """By field of the event; all must hold."""
    positive: tuple[dict[str, object], ...]
    """Events on which the rule must fire."""
    negative: tuple[dict[str, object], ...]
    """Events of the same kind on which it must stay silent."""
    technique: str = ""
    """MITRE ATT&CK technique id."""
    about: str = ""
    """The field that tells one finding from another; empty: as is usual for the event."""


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file."""

    rules: tuple[Rule, ...]


EVENTS: Final[dict[str, type[Event]]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        *(ev.Exec, ev.Fork, ev.Exit, ev.Output),
        *(ev.Open, ev.Rename, ev.Link, ev.Unlink, ev.Truncate, ev.Chmod, ev.Map, ev.Memfd),
        *(ev.Connect, ev.Send, ev.Bind, ev.SocketState, ev.Door, ev.Touch),
        *(ev.Dns, ev.Tcp, ev.Datagram, ev.Tls, ev.Handshake, ev.Enrichment),
    )
}
"""Kinds that a rule can look at."""
ABOUT: Final = {
    **dict.fromkeys(("exec", "open", "rename", "link", "unlink", "truncate", "chmod"), "path"),
    **dict.fromkeys(("connect", "send", "bind", "socket", "tcp", "datagram", "tls"), "address"),
    **dict.fromkeys(("door", "memfd"), "name"),
    "handshake": "sni",
    "dns": "qname",
    "touch": "path",
    "map": "file",
    "output": "stream",
    "enrichment": "address",
}
"""The usual `Rule.about`; kinds that are not here make one finding in all."""
