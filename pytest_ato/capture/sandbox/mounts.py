"""Mounts of the capture process's own, which no other process sees and which end with it.

Owns the system calls that Python 3.11 has no functions for: unshare(2), mount(2), umount2(2).
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x4000, 0x40000
_MS_NOEXEC, _MS_REMOUNT, _MS_BIND = 0x8, 0x20, 0x1000
_MNT_DETACH = 2
_TRACEFS = Path("/sys/kernel/tracing")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.unshare.argtypes = (ctypes.c_int,)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)


def enter_private_mounts() -> None:
    """Give this process a mount namespace of its own, from which nothing propagates.

    Once per process, before the first sandbox and before any thread; in a later thread, it gives
    that one mounts and a working directory of its own. Raises OSError (EPERM: not root).
    """
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount")


def mount_tmpfs(path: Path, *, mode: int, size: int | None = None) -> None:
    """Mount a tmpfs of at most `size` bytes (None: the kernel's default, half of the memory).

    An inode costs memory too: there are as many as the size has pages.
    """
    options = f"mode={mode:o}"
    if size is not None:
        options += f",size={size},nr_inodes={max(size // 4096, 1024)}"
    flags = _MS_NOSUID | _MS_NODEV
    target = os.fsencode(path)
    _check(_libc.mount(b"tmpfs", target, b"tmpfs", flags, options.encode()), f"mount {path}")


def used(path: Path) -> int:
    """Bytes that the files of the file system at `path` take."""
    status = os.statvfs(path)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def resize_tmpfs(path: Path, size: int) -> None:
    """Bound a mounted tmpfs, files and bytes, by what a tmpfs of `size` bytes may have."""
    flags = _MS_NOSUID | _MS_NODEV | _MS_REMOUNT
    options = f"size={size},nr_inodes={max(size // 4096, 1024)}"
    done = _libc.mount(None, os.fsencode(path), None, flags, options.encode())
    _check(done, f"resize {path}")


def mount_tracefs() -> None:
    """Mount tracefs where it belongs, unless there is something already."""
    if not (_TRACEFS / "events").is_dir():
        target = os.fsencode(_TRACEFS)
        _check(_libc.mount(b"tracefs", target, b"tracefs", 0, None), f"mount {_TRACEFS}")


def mount(kind: str, path: Path) -> None:
    """Mount a file system of the kernel's own, such as cgroup2, of which there is only one."""
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    done = _libc.mount(kind.encode(), os.fsencode(path), kind.encode(), flags, None)
    _check(done, f"mount {kind} at {path}")


def make_writable(path: Path) -> None:
    """Take the read-only flag from a mount that an engine has set it on."""
    flags = _MS_REMOUNT | _MS_BIND | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    done = _libc.mount(None, os.fsencode(path), None, flags, None)
    _check(done, f"make {path} writable")


def unmount(path: Path) -> None:
    """Take a mount away at once; its files go when the last user has gone."""
    _check(_libc.umount2(os.fsencode(path), _MNT_DETACH), f"umount {path}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
