"""Entry of the capture process: ``python -I -m pytest_ato.capture LOADER [MITMPROXY]``.

Owns the process itself: descriptors, signals, and that every way out leaves either an `end` record
or an `unavailable` one, and nothing of ours behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from pytest_ato.capture.caller import Caller
from pytest_ato.capture.loader.choice import choose
from pytest_ato.capture.session import Session
from pytest_ato.capture.stream import CallerGone, EventStream
from pytest_ato.model.errors import AtoError
from pytest_ato.model.events import Unavailable
from pytest_ato.model.record import Event


def main(loader: str, mitmproxy: str = "") -> int:
    """Serve orders from standard input until it ends; returns the exit status.

    `mitmproxy`: the virtual environment that has it; empty: none.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides what Ctrl-C means
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    caller = Caller(_private(0))
    stream = EventStream(_private(1))
    place = Path(mitmproxy) if mitmproxy else None
    try:
        with contextlib.closing(Session(choose(loader), caller, stream, place)) as session:
            session.start()
            session.serve()
    except CallerGone:
        pass
    except AtoError as error:
        _last_word(stream, Unavailable(ts=time.monotonic_ns(), reason=str(error)))
        return 2
    except MemoryError:
        print("capture failed: it ran out of memory", file=sys.stderr)
        return 1
    except Exception as error:  # a defect of ours: no `end` record makes the audit INCONCLUSIVE
        print(f"capture failed: {type(error).__name__}: {error}", file=sys.stderr)
        if os.environ.get("ATO_DEBUG"):
            raise
        return 1
    return 0


def _private(fd: int) -> int:
    """Move a standard stream away, so that no library's print can reach it."""
    moved = os.dup(fd)
    os.set_inheritable(moved, False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, fd)
    os.close(null)
    return moved


def _last_word(stream: EventStream, event: Event) -> None:
    try:
        stream.put(event)
        stream.flush()
    except CallerGone:
        pass


def _leave(*_: object) -> None:
    raise CallerGone


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:3] or ["auto"])))
