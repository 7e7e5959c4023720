"""What the report says of the files whose TLS functions were watched, and of those that were not.

Owns the order: what was late or failed comes first, since it explains bytes that stayed opaque.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pytest_ato.evidence.views import View
from pytest_ato.model.events import Watched
from pytest_ato.model.octets import show
from pytest_ato.model.report import TlsLibrary

_LISTED: Final = 100
_SENTENCES: Final = 5
"""Files of a kind that are told in words."""


def libraries(watched: Iterable[Watched], view: View) -> tuple[TlsLibrary, ...]:
    """The files, those with a problem first, then those that were found late."""
    ordered = sorted(watched, key=lambda one: (not one.problem, not one.late, show(one.path)))
    return tuple(_library(one, view) for one in ordered[:_LISTED])


def sentences(watched: Iterable[Watched]) -> Iterator[str]:
    """What of them was not seen, though the capture was whole."""
    files = tuple(watched)
    late = [one for one in files if one.late and one.functions]
    failed = [one for one in files if one.problem]
    for one in late[:_SENTENCES]:
        yield (
            f"{show(one.path)} carries TLS ({one.library}) and was watched from when it was "
            "mapped: no probe saw what it did before"
        )
    for one in failed[:_SENTENCES]:
        yield f"{show(one.path)} was not watched for TLS, or not all of it: {one.problem}"
    left = max(0, len(late) - _SENTENCES) + max(0, len(failed) - _SENTENCES)
    if left:
        yield f"{left} more files were watched late for TLS, or not all of them"


def _library(one: Watched, view: View) -> TlsLibrary:
    return TlsLibrary(
        path=view.text(one.path),
        library=one.library,
        functions={view.text(name): how for name, how in sorted(one.functions.items())},
        late=one.late,
        problem=view.text(one.problem),
    )
