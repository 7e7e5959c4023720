"""What a played service is asked, and what it answers.

Owns the two shapes. A request comes from the target: every part of it is hostile, and none of it
is repeated in an answer but where the real service would, bounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

_FIELDS = 64


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    method: str
    host: str
    """Lower case, without port."""
    address: str
    """What the client connected to."""
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""
    """The first (bounded) part."""

    @cached_property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Of the query and of a form in the body; the first `_FIELDS` of each."""
        query = self.target.partition("?")[2]
        form = self.body.decode("ascii", "replace")
        found: dict[str, str] = {}
        for text in (form, query):
            try:
                found |= parse_qsl(text, max_num_fields=_FIELDS)
            except ValueError:
                continue  # more fields than anybody needs
        return found

    @property
    def authorized(self) -> bool:
        """Whether it presents anything that could be a credential."""
        return bool(self.headers.get("authorization"))


@dataclass(frozen=True)
class Answer:
    """One HTTP response; the server adds length, date and its name."""

    body: bytes = b""
    kind: str = "application/json; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = field(default=())


def as_json(value: object, status: int = 200) -> Answer:
    """Return an answer that carries a value as JSON."""
    return Answer(json.dumps(value).encode() + b"\n", status=status)


def as_text(text: str, status: int = 200) -> Answer:
    """Return an answer in plain text."""
    return Answer(text.encode(), "text/plain; charset=utf-8", status)
