"""The dispatcher as a service: round after round until a signal says to end.

Owns signals, the schedule, what the service manager and ``/healthz`` are told.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from pytest_ato.dispatch.dispatcher import Dispatcher, Settings
from pytest_ato.dispatch.http import Exporter
from pytest_ato.dispatch.systemd import notify
from pytest_ato.metrics.audits import Recorded
from pytest_ato.metrics.dispatch import DispatchMetrics
from pytest_ato.model.octets import show

_ENDS: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_LATE: Final = 3
"""Intervals without a round after which something is wrong."""
_SOON: Final = 30.0
"""Seconds that a round may be late whatever the interval."""


def serve(settings: Settings, listen: tuple[str, int], audits: Path | None) -> None:
    """Dispatch until a signal says to end; then the last batch is written. Raises `AtoError`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # also in the threads that are made here
    metrics = DispatchMetrics()
    metrics.registry.register(Recorded(audits or Path(os.devnull)))
    with Dispatcher(settings, metrics, _complain) as dispatcher:
        health = _Health(dispatcher, settings.interval)
        with Exporter(listen, metrics.registry, health.wrong) as exporter:
            _complain(
                f"dispatching {settings.map} to {settings.log} every {settings.interval:g} s, "
                f"metrics on port {exporter.port}"
            )
            notify("READY=1")
            following = time.monotonic()
            while not _ended(following - time.monotonic()):
                dispatcher.round()
                health.done()
                notify("WATCHDOG=1", f"STATUS={health.wrong() or 'flows are signed'}")
                following = max(following + settings.interval, time.monotonic())
            notify("STOPPING=1")
            dispatcher.finish()


class _Health:
    """Looked at by another thread than the one that works."""

    def __init__(self, dispatcher: Dispatcher, interval: float) -> None:
        self._dispatcher = dispatcher
        self._patience = max(_LATE * interval, _SOON)
        self._last = time.monotonic()

    def done(self) -> None:
        """A round has ended."""
        self._last = time.monotonic()

    def wrong(self) -> str:
        """What is wrong, in one line; empty: nothing is."""
        late = time.monotonic() - self._last
        if late > self._patience:
            return f"no round for {late:.0f} s"
        return self._dispatcher.failure


def _ended(seconds: float) -> bool:
    """Wait; whether a signal said to end meanwhile."""
    return signal.sigtimedwait(_ENDS, max(0, seconds)) is not None


def _complain(text: str) -> None:
    print(f"ato dispatch: {show(text, 500)}", file=sys.stderr, flush=True)
