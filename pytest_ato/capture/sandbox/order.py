"""What init is to start: program, arguments, environment, identity, limits.

Owns the memfd's layout (order.h). It goes by descriptor, as a command line is readable to all.
"""

from __future__ import annotations

import os
import resource
import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import raw
from pytest_ato.model.spec import AuditSpec

_HEADER = struct.Struct("=6I")
_LIMIT = struct.Struct("=IIQQ")

_FILE_SIZE = 64 << 30
"""Bytes: more than a tmpfs holds, so that only a sparse file without end meets it."""
_DESCRIPTORS = 4096
_TASKS_FACTOR = 4
"""The cgroup's limit is the exact one and met first. This one holds should that fail; it counts by
user, and a capture process in another container may audit as the same."""


def environment(spec: AuditSpec, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the target's whole environment: a user's few or its image's, the sandbox's, and the
    spec's."""
    if spec.target.image is not None:
        return {"HOME": spec.home, **spec.target.image.env, **variables, **spec.env}
    return {
        "HOME": spec.home,
        "LANG": "C.UTF-8",
        "LOGNAME": "user",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
        "SHELL": "/bin/bash",
        "TERM": "dumb",
        "USER": "user",
        **variables,
        **spec.env,
    }


def encode(
    spec: AuditSpec,
    *,
    uid: int,
    gid: int,
    directory: str,
    capabilities: int = 0,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Return the bytes of the order; `variables` are the sandbox's own, `capabilities` what is
    left to a target that is root in a user namespace of its own.

    Raises UsageError for an argument that holds a NUL.
    """
    program, argv = _command(spec)
    envp = [os.fsencode(f"{name}={value}") for name, value in environment(spec, variables).items()]
    strings = [program, os.fsencode(directory), *argv, *envp]
    if any(b"\0" in string for string in strings):
        raise UsageError("an argument or variable of the target holds a NUL byte")
    limits = _limits(spec)
    header = _HEADER.pack(uid, gid, len(limits), len(argv), len(envp), capabilities)
    body = b"".join(_LIMIT.pack(name, 0, soft, hard) for name, (soft, hard) in limits.items())
    return header + body + b"".join(string + b"\0" for string in strings)


def _command(spec: AuditSpec) -> tuple[bytes, list[bytes]]:
    """What is executed, and its arguments, beginning with its own name."""
    image, args = spec.target.image, [raw(argument) for argument in spec.args]
    if image is None:
        program = os.fsencode(spec.target.program)
        return program, [program, *args]
    args = args or [word.encode() for word in image.command]
    return image.start.encode(), [*(word.encode() for word in image.entrypoint), *args]


def _limits(spec: AuditSpec) -> Mapping[int, Sequence[int]]:
    """Return resource limits, none above what this process has itself; never address space: a
    Java machine does not start under 2 GiB of it."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_FSIZE: _FILE_SIZE,
    }
    if spec.limits.tasks is not None:
        wanted[resource.RLIMIT_NPROC] = _TASKS_FACTOR * spec.limits.tasks
    return {name: (_at_most(name, value),) * 2 for name, value in wanted.items()}


def _at_most(name: int, value: int) -> int:
    _, hard = resource.getrlimit(name)
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
