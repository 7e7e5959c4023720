"""The way out of an open gateway: a user-mode network stack, so that the host's stays as it is.

Owns the choice (pasta, else slirp4netns) and the process. It runs in our own network namespace and
makes one interface in the gateway's, through which packets leave as if this machine's programs had
sent them. It forwards nothing inwards, and does not lead to this machine's own loopback.
"""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

from pytest_ato.capture.network import namespaces, plan
from pytest_ato.capture.network.helper import Helper
from pytest_ato.capture.network.rules import program
from pytest_ato.model.errors import CaptureUnavailable

_START_SECONDS = 10.0
_LOOK_SECONDS = 0.01
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
_PASTA = (
    *("--foreground", "--config-net", "--no-map-gw", "--no-icmp", "--netns-only"),
    *("-t", "none", "-u", "none", "-T", "none", "-U", "none", "--runas", "0:0"),
)
_SLIRP = ("--configure", "--disable-host-loopback", "--netns-type=path")


class Uplink(Helper):
    """One process that carries a gateway's packets out; `close` ends it."""

    def __init__(self, gateway: int) -> None:
        """Start it and wait for its interface; raises `CaptureUnavailable`.

        Must be called in the main thread: the process dies with the thread that started it.
        """
        ours, theirs = socket.socketpair()
        command = [*_dying_with_us(), *_command(f"/proc/self/fd/{gateway}")]
        with ours, theirs:
            super().__init__(command, theirs, theirs, gateway)
        deadline = time.monotonic() + _START_SECONDS
        while not namespaces.inside(gateway, _is_up):
            if not self.alive() or time.monotonic() > deadline:
                why = self.why() if self.broken else "no way out appeared; has this machine one?"
                self.close()
                raise CaptureUnavailable(f"the uplink did not start: {why}")
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """End the process; may be called twice."""
        self.broken = self.broken or "it was ended"
        self.end()


def program_name() -> str:
    """Return which program there is; empty: none."""
    return next((name for name in ("pasta", "slirp4netns") if shutil.which(name, path=_PATH)), "")


def _command(netns: str) -> list[str]:
    if pasta := shutil.which("pasta", path=_PATH):
        resolver = ("--dns-forward", plan.RESOLVER4)
        return [pasta, *_PASTA, *resolver, "-I", plan.UPLINK, "--netns", netns]
    if slirp := shutil.which("slirp4netns", path=_PATH):
        return [slirp, *_SLIRP, netns, plan.UPLINK]
    raise CaptureUnavailable("neither pasta nor slirp4netns is installed: apt-get install passt")


def _dying_with_us() -> list[str]:
    """A pid namespace, whose processes all end with bubblewrap, and that with us."""
    bwrap = program("bwrap", "bubblewrap")
    return [bwrap, "--dev-bind", "/", "/", "--unshare-pid", "--die-with-parent", "--new-session"]


def _is_up() -> bool:
    """Whether the present namespace has a default route through the uplink."""
    routes = [line.split() for line in Path("/proc/thread-self/net/route").read_text().splitlines()]
    return any(fields[:2] == [plan.UPLINK, "00000000"] for fields in routes)
