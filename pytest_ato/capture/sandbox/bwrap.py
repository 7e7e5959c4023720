"""bubblewrap: whether it is there, and how it is asked for the sandbox.

Owns its options; they go by descriptor, so no command line of the host shows them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from pytest_ato.capture.sandbox.rootfs import Bind
from pytest_ato.model.errors import CaptureUnavailable

# Started by root, bubblewrap takes these for read-only already and leaves them as they are: the
# kernel checks writes there by user id, not by capability, so it looks at who asks too late.
_PROC_READ_ONLY = (
    "acpi", "asound", "bus", "driver", "fs", "irq", "kcore", "keys", "latency_stats", "mtrr",
    "pressure", "sched_debug", "scsi", "sys", "sysrq-trigger", "timer_list",
)  # fmt: skip

# What is root in an image may do to the image's own files and users, as engines let it: nothing of
# these reaches beyond the namespace. Not among them: to trace, mount, make devices, touch networks.
IMAGE_CAPABILITIES = {
    "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_FSETID": 4, "CAP_KILL": 5,
    "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SETPCAP": 8, "CAP_SYS_CHROOT": 18,
}  # fmt: skip
"""With their numbers (capabilities(7))."""

_OUTSIDE_THE_TARGETS = 65_535
"""Who sets an image's sandbox up, inside its user namespace."""

# For init, until it has started the target: to become the unprivileged user.
_INIT_CAPABILITIES = ("CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID")


def find() -> str:
    """Return the program's path. Raises CaptureUnavailable."""
    path = shutil.which("bwrap")
    if path is None:
        raise CaptureUnavailable("bubblewrap is not installed: apt-get install bubblewrap")
    return path


def options(
    root: Path,
    binds: Iterable[Bind],
    *,
    hostname: str,
    own_network: bool,
    proc: Path,
    userns: int | None = None,
) -> list[str]:
    """Return the options for a sandbox with `root` as ``/`` and `binds` over it, in their order.

    `own_network`: make an empty network namespace; else the present one is kept. `proc` is where
    the host's proc is, to see which of its files exist. `userns`: descriptor of a user namespace to
    be in, in which the root is writable.
    """
    words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"]
    words += ["--unshare-net"] if own_network else []
    words += ["--hostname", hostname, "--as-pid-1", "--die-with-parent", "--cap-drop", "ALL"]
    if userns is not None:
        who = str(_OUTSIDE_THE_TARGETS)
        words += ["--userns", str(userns), "--uid", who, "--gid", who]
    for capability in _INIT_CAPABILITIES if userns is None else IMAGE_CAPABILITIES:
        words += ["--cap-add", capability]
    words += ["--ro-bind" if userns is None else "--bind", str(root), "/"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for name in _PROC_READ_ONLY:
        if (proc / name).exists():
            words += ["--ro-bind", str(proc / name), f"/proc/{name}"]
    for bind in binds:
        words += ["--bind" if bind.writable else "--ro-bind", str(bind.source), bind.dest]
    return [*words, "--chdir", "/"]
