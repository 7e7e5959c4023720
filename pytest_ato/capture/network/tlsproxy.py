"""The TLS proxy's process as capture sees it: started with the session's authority, ended.

Owns its command and its standard input. Its frames go to the sinkhole, never to capture.
"""

from __future__ import annotations

import socket
from pathlib import Path

from pytest_ato.capture import proxy
from pytest_ato.capture.network import confinement, rules
from pytest_ato.capture.network.helper import Helper
from pytest_ato.capture.proxy import environment
from pytest_ato.capture.proxy.authority import Authority
from pytest_ato.capture.sinkhole import wire
from pytest_ato.model.errors import CaptureUnavailable

_INSIDE = Path(proxy.__file__).parent / "inside"
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class TlsProxy(Helper):
    """One proxy process inside the gateway's namespace."""

    def __init__(
        self, gateway: int, uid: int, place: Path, authority: Authority, *, open: bool = False
    ) -> None:
        """`place`: the virtual environment that has mitmproxy. `open`: true servers are asked,
        and checked as this machine would. Raises `CaptureUnavailable`.

        Must be called in the main thread: the process dies with the thread that started it.
        """
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.frames, frames = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        """The sinkhole's end of the stream of frames; to be closed once it was passed on."""
        bundle = _bundle() if open else None
        interpreter = environment.interpreter(place)
        packages = environment.packages(place)
        python = confinement.Python(
            interpreter=interpreter,
            base=interpreter.parent.parent,
            packages=(packages, _INSIDE, *([bundle] if bundle else [])),
            search=(packages, _INSIDE.parent),
        )
        sink = 0 if open else wire.PLAIN_PORT
        arguments = [str(uid), str(wire.PROXY_PORT), str(sink), str(bundle or "")]
        with control, frames:
            command = confinement.command(python, _INSIDE.name, arguments)
            super().__init__([*rules.enter(gateway), *command], control, frames)
        self._control.sendall(authority.pem + b"\0")

    def close(self) -> None:
        """End the process and give everything back; may be called twice."""
        self._control.close()  # it ends by itself at this
        self.frames.close()
        self.end()


def _bundle() -> Path:
    """Return the file of the authorities that this machine trusts."""
    found = next(filter(Path.is_file, map(Path, _BUNDLES)), None)
    if found is None:
        raise CaptureUnavailable("this machine trusts nobody: apt-get install ca-certificates")
    return found.resolve()
