"""The very file that a process has mapped, whatever has become of its name.

Owns the ways to it through /proc. A process may be gone, or have replaced the file: what is opened
is checked against the device and inode that the kernel told.
"""

from __future__ import annotations

import os

from pytest_ato.capture.tls.finder import open_file
from pytest_ato.model.events import Exec, Map
from pytest_ato.model.octets import raw


def open_code(event: Exec | Map, init: int, root: str = "") -> int:
    """Return a descriptor of the file that `event` made code; raises OSError.

    `init` is the sandbox's pid 1, in whose root the file has its path; `root` is where an image's
    root lies here, whoever has ended.
    """
    identity = (event.dev, event.inode)
    for path in _ways(event, init, root):
        try:
            descriptor = open_file(path)
        except OSError:
            continue
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) == identity:
            return descriptor
        os.close(descriptor)
    raise OSError("it was gone before it could be looked into")


def _ways(event: Exec | Map, init: int, root: str) -> tuple[str, ...]:
    path = raw(event.file or "").lstrip(b"/")
    named = tuple(os.fsdecode(b"/proc/%d/root/%s" % (pid, path)) for pid in (event.pid, init))
    named += (os.fsdecode(os.fsencode(root) + b"/" + path),) if root else ()
    if b"\0" in path or not path:
        named = ()
    own = f"/proc/{event.pid}/exe" if isinstance(event, Exec) else _area(event)
    return (own, *named) if own else named


def _area(event: Map) -> str:
    """The link to what lies at an address of the process; empty: it does not any more."""
    try:
        with open(f"/proc/{event.pid}/maps", "rb") as file:  # noqa: PTH123
            areas = [line.split(b" ", 1)[0].decode() for line in file]
    except OSError:
        return ""
    for area in areas:
        start, _, end = area.partition("-")
        if int(start, 16) <= event.address < int(end, 16):
            return f"/proc/{event.pid}/map_files/{area}"
    return ""
