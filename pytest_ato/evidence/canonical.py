"""Canonical JSON (RFC 8785): one value is one sequence of bytes, so that its digest means it.

Owns what the standard leaves to its user: integers that JSON's numbers cannot hold are strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import rfc8785

from pytest_ato.model.errors import SigningError

Json: TypeAlias = (
    "bool | int | float | str | list[Json] | tuple[Json, ...] | Mapping[str, Json] | None"
)

EXACT: Final = 2**53 - 1
"""The largest integer that every reader of JSON gets back as it was written (appendix E)."""


def canonical(value: Json) -> bytes:
    """Return the canonical bytes of `value`, without a newline; larger integers become strings.

    Raises `SigningError` for what JSON cannot say: NaN, an infinity, a lone surrogate.
    """
    try:
        return rfc8785.dumps(_exact(value))
    except (ValueError, RecursionError) as error:  # a surrogate raises more than the library's own
        raise SigningError(f"this cannot be written as canonical JSON: {error}") from None


def _exact(value: Json) -> Json:
    if isinstance(value, int):
        return value if isinstance(value, bool) or abs(value) <= EXACT else str(value)
    if isinstance(value, Mapping):
        return {key: _exact(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(each) for each in value]
    return value
