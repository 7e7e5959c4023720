"""The audit's honeytokens: which opened file is one, and their values kept out of titles.

Owns the way from an `Open` event to its honeytoken, and the one matcher over all minted values.
Judges nothing: whether touching a honeytoken is bad is for detectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import dirname, join
from typing import Final

from pytest_ato.honeytokens.match import Matcher, Span
from pytest_ato.model.events import (
    MOST_TOKENS,
    Audit,
    Door,
    Honeytoken,
    Open,
    Planted,
    Start,
    Touch,
)
from pytest_ato.model.octets import Octets, octets, raw, show
from pytest_ato.model.record import Event

SECOND_HOME: Final = "/root"
"""The sandbox shows the home directory under this name, too."""

_MOST_PLANTED: Final = 2 * MOST_TOKENS
_OPEN: Final = "\u2039"
_CLOSE: Final = "\u203a"


class Tokens:
    """Carriers by file and by name, kept up to date by `update`."""

    def __init__(self) -> None:
        self.carriers: dict[str, Honeytoken] = {}
        """All honeytokens by name."""
        self.folders: dict[Octets, str] = {}
        """Absolute path of each directory on the way to a planted file (home included), to its
        path below the home (empty for the home itself)."""
        self._by_path: dict[Octets, Honeytoken] = {}
        self._planted: dict[tuple[int, int], str] = {}
        self._planted_names: set[str] | None = None
        self._since: dict[str, int] = {}
        self._homes: tuple[str, ...] = (SECOND_HOME,)
        self._matcher: Matcher | None = None

    @property
    def matcher(self) -> Matcher:
        """Finds every minted value of this audit; made at first use."""
        if self._matcher is None:
            self._matcher = Matcher.of(self.carriers.values())
        return self._matcher

    @property
    def files(self) -> tuple[Honeytoken, ...]:
        """Carriers that are files."""
        return tuple(token for token in self.carriers.values() if token.path)

    def carrier(self, event: Open) -> Honeytoken | None:
        """The honeytoken whose file was opened, under whatever name, or None.

        The planted inode decides. The path does only where the inode is not known: a file that
        the target put in a honeytoken's place is its own.
        """
        planted = self._planted.get((event.dev, event.inode))
        if planted is not None:
            return self._by_path.get(planted)
        token = self._by_path.get(event.path if event.file is None else event.file)
        if token is None or not event.inode:
            return token
        return None if token.name in self._names_of_planted() else token

    def planted(self, event: Touch | Door) -> Honeytoken | None:
        """The honeytoken whose planted file was used, by its inode, or None.

        The path decides where no inode is told: an io_uring operation that is yet to open it.
        """
        if event.inode:
            path: Octets | None = self._planted.get((event.dev, event.inode))
        else:
            path = event.file if isinstance(event, Door) else event.path
        return self._by_path.get(path) if path is not None else None

    def planted_at(self, token: Honeytoken) -> int:
        """When its file lay in the sandbox, or when its variable was decided on."""
        paths = (join(home, token.path) for home in self._homes)
        return next((self._since[path] for path in paths if path in self._since), token.ts)

    def mask(self, data: bytes, limit: int = 120) -> str:
        """Show `data` as one printable line, each value replaced by its marker's quoted name.

        At most `limit` characters; when there is a value, the line begins shortly before it.
        """
        return self._masked(data, self.matcher.spans(data), limit)

    def snippet(self, data: bytes, limit: int = 120) -> str:
        """Like `mask`; empty when no value lies whole in `data`, for a part can't be masked."""
        spans = self.matcher.spans(data)
        return self._masked(data, spans, limit) if spans else ""

    def _masked(self, data: bytes, spans: Sequence[Span], limit: int) -> str:
        begin = max(0, spans[0][0] - limit // 3) if spans else 0
        parts: list[bytes] = [b"\xe2\x80\xa6"] if begin else []
        at = begin
        for start, end, marker in spans:
            if end <= at:
                continue
            parts += [data[at : max(at, start)], f"{_OPEN}{marker}{_CLOSE}".encode()]
            at = end
        parts.append(data[at : at + limit])
        return show(octets(b"".join(parts)), limit)

    def mask_text(self, text: Octets, limit: int = 120) -> str:
        """Like `mask`, for text of the target's, such as an argument."""
        return self.mask(raw(text), limit)

    def update(self, event: Event) -> None:
        """Take an `Audit`, `Honeytoken`, `Planted` or `Start` record."""
        match event:
            case Honeytoken():
                if len(self.carriers) >= MOST_TOKENS:  # `analysis` says so
                    return
                self.carriers[event.name] = event
                self._matcher = None
            case Planted():
                if len(self._planted) < _MOST_PLANTED:
                    self._planted[event.dev, event.inode] = event.path
                    self._since.setdefault(event.path, event.ts)
                    self._planted_names = None
                return
            case Audit():
                self._homes = (event.spec.home, SECOND_HOME)
            case Start():
                self._homes = (event.home, SECOND_HOME)
            case _:
                return
        self._index()

    def _index(self) -> None:
        for token in self.files:
            for home in self._homes:
                path = join(home, token.path)
                self._by_path[path] = token
                while path != home and len(path) > len(home):
                    path = dirname(path)
                    self.folders[path] = path[len(home) :].lstrip("/")

    def _names_of_planted(self) -> set[str]:
        if self._planted_names is None:
            tokens = map(self._by_path.get, self._planted.values())
            self._planted_names = {token.name for token in tokens if token}
        return self._planted_names
