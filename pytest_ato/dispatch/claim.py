"""One dispatcher for one map: the lock, and the secret that makes its flows' digests.

Owns both. The lock is on the map's own place in the BPF file system, so that it holds between
containers that see it, too, and goes with the process. The secret lies in a map beside it, for root
alone: it lives exactly as long as the flows that it names, and is on no disk.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.dispatch.rows import SECRET
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import CaptureUnavailable, UsageError

SECRET_SUFFIX: Final = "_secret"  # noqa: S105  (a name, and no secret)
"""What the path of the secret's map has more than that of the map of flows."""
_ARRAY: Final = 2
_ONE: Final = ctypes.c_uint32(0)


class Claim(Closing):
    """The right to dispatch one map, held until it is closed; raises `UsageError`."""

    def __init__(self, flows: FlowMap) -> None:
        self._path = flows.path
        self._id = flows.id
        self._lock = _locked(flows.path)
        try:
            self.secret = _secret(flows.path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another dispatcher have the map; may be called twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def is_current(self) -> bool:
        """Whether the map at the path is still that which was claimed."""
        try:
            with FlowMap(self._path) as there:
                return there.id == self._id
        except UsageError:
            return False


def _locked(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be locked ({error.strerror}): it was made without type information; "
            "remove it, and attach again"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UsageError(
            f"another dispatcher reads {path}: end that first, or give another map (--map)"
        ) from None
    return descriptor


def _secret(path: Path) -> bytes:
    """Read the secret, or make one; who calls holds the lock."""
    libbpf = Libbpf()
    place = path.with_name(path.name + SECRET_SUFFIX)
    try:
        if place.exists():
            return _read(libbpf, place)
        secret = secrets.token_bytes(SECRET)
        fd = libbpf.call("bpf_map_create", _ARRAY, b"flow_secret", 4, SECRET, 1, None)
        try:
            libbpf.call("bpf_map_update_elem", fd, ctypes.byref(_ONE), secret, 0)
            libbpf.call("bpf_obj_pin", fd, os.fsencode(place))
        finally:
            os.close(fd)
        return secret
    except PermissionError:
        raise CaptureUnavailable(f"{place} cannot be made or read: run as root") from None
    except OSError as error:
        raise UsageError(f"{place} cannot be used: {error.strerror}; remove it") from None


def _read(libbpf: Libbpf, place: Path) -> bytes:
    status = place.stat()
    if status.st_uid != 0 or status.st_mode & 0o077:
        raise UsageError(f"{place} can be read by others than root: remove it (rm {place})")
    fd = libbpf.call("bpf_obj_get", os.fsencode(place))
    try:
        info = ctypes.create_string_buffer(256)
        size = ctypes.c_uint32(len(info))
        libbpf.call("bpf_obj_get_info_by_fd", fd, info, ctypes.byref(size))
        kind, _, key, value = (ctypes.c_uint32 * 4).from_buffer(info)
        if (kind, key, value) != (_ARRAY, 4, SECRET):
            raise UsageError(f"{place} is a map of another layout: remove it (rm {place})")
        secret = ctypes.create_string_buffer(SECRET)
        libbpf.call("bpf_map_lookup_elem", fd, ctypes.byref(_ONE), secret)
        return secret.raw
    finally:
        os.close(fd)
