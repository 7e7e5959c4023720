"""What a runtime is: a running capture process that takes orders and streams events back."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar

from pytest_ato.model.spec import AuditSpec


class Runtime(ABC):
    """One capture process, for one session. Used from one thread."""

    name: ClassVar[str]
    progress: Callable[[str], None] = staticmethod(lambda _: None)
    """Told what takes long while it starts; a caller with a terminal sets it."""

    @property
    def privilege(self) -> str:
        """By what right capture sees the machine, in words; known after `start`."""
        return ""

    def clock(self) -> int:
        """Nanoseconds of the clock that capture's records have, which may be another machine's."""
        return time.monotonic_ns()

    @abstractmethod
    def start(self) -> None:
        """Start the process and return at once, so that its loading overlaps the caller's work.

        Raises CaptureUnavailable, in one line with the cure.
        """

    @abstractmethod
    def audit(self, spec: AuditSpec) -> Iterator[bytes]:
        """Order one audit; yield its event lines, as many as come at once joined by newlines, the
        `end` record last.

        Stops without an `end` record when capture died or fell silent: the audit is then
        INCONCLUSIVE. Raises CaptureUnavailable when capture says that it cannot.
        """

    @abstractmethod
    def close(self) -> None:
        """End the process and everything below it; may be called twice."""

    @abstractmethod
    def last_words(self) -> str:
        """Why capture ended early, in one line, as far as it said so; else an empty string."""
