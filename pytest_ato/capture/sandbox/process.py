"""Starts bubblewrap with init in it, up to READY, and holds what leads to them.

Owns descriptors: the ends that stay here are closed on exec, the others close here once the child
has them. Knows nothing of what is in the sandbox's root.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_ato.capture.sandbox import control
from pytest_ato.capture.sandbox.control import ControlMessage
from pytest_ato.capture.sandbox.errors import SandboxError
from pytest_ato.capture.sandbox.initfile import INIT
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.octets import octets, show

_READY_WITHIN_S = 20.0
_GONE_WITHIN_S = 10.0
_CREDENTIALS = struct.Struct("=iII")  # struct ucred, unix(7)


@dataclass(frozen=True)
class Stdio:
    """Our ends of the target's standard streams: pipes, not blocking."""

    stdin: int
    stdout: int
    stderr: int


class Process:
    """bubblewrap's outer process and, inside, init. Make it in the main thread of the capture
    process: the sandbox dies with the thread that started it (PR_SET_PDEATHSIG, prctl(2))."""

    def __init__(
        self,
        bwrap: str,
        options: Sequence[str],
        order: bytes,
        *,
        procs: Sequence[Path],
        netns: int | None,
        uid: int,
        userns: int | None = None,
    ) -> None:
        """Start and wait for READY. Raises SandboxError with bubblewrap's own first line."""
        if not INIT.exists():
            raise CaptureUnavailable(f"{INIT} is missing: python build_native.py")
        self.init_pid = 0
        self.init_pidfd = -1
        self._ours = ExitStack()
        self._outer: subprocess.Popen[bytes] | None = None
        try:
            with ExitStack() as theirs:
                far = self._connect(theirs)
                self.stdio, stdio = self._pipes(theirs, uid)
                groups = [_held(theirs, os.open(path, os.O_WRONLY)) for path in procs]
                binary = _held(theirs, os.open(INIT, os.O_RDONLY))
                words = b"".join(os.fsencode(word) + b"\0" for word in options)
                listed = _memory_file(theirs, words)
                inner = (far, _memory_file(theirs, order), *stdio)
                namespace = -1 if netns is None else netns
                launch = [str(INIT), "launch", *map(str, (namespace, *groups)), "--"]
                launch += [bwrap, "--args", str(listed), "--"]
                launch += [f"/proc/self/fd/{binary}", *map(str, inner)]
                passed = (*groups, binary, listed, *inner, *(() if netns is None else (netns,)))
                passed += () if userns is None else (userns,)
                self._outer = _spawn(launch, passed)
            self._await_ready()
        except BaseException:
            self.close()
            raise

    @property
    def outer_pid(self) -> int:
        """Host pid of bubblewrap's outer process."""
        return self._running.pid

    @property
    def control(self) -> int:
        """Descriptor to poll for messages."""
        return self._control.fileno()

    def release(self, nonce: str) -> None:
        """Let init fire its canary under this name, and start the target."""
        self._control.send(control.go(nonce))

    def read_control(self) -> list[ControlMessage]:
        """Return the messages that have come, without waiting; after `Closed` stop polling."""
        messages: list[ControlMessage] = []
        with suppress(BlockingIOError):
            while not messages or messages[-1] != control.Closed():
                data = self._control.recv(control.MESSAGE.size, socket.MSG_DONTWAIT)
                messages.append(control.decode(data))
        return messages

    def kill(self) -> None:
        """SIGKILL to init: the kernel then kills all in its pid namespace."""
        if self.init_pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init_pidfd, signal.SIGKILL)
        if self._outer is not None:
            self._outer.kill()

    def close(self) -> None:
        """Kill, reap, and close every descriptor."""
        self.kill()
        if self._outer is not None:
            with suppress(subprocess.TimeoutExpired):
                self._outer.wait(_GONE_WITHIN_S)
            assert self._outer.stderr is not None
            self._outer.stderr.close()
        self._ours.close()

    def close_stdin(self) -> None:
        """End the target's standard input."""
        if self.stdio.stdin >= 0:
            os.close(self.stdio.stdin)
            self.stdio = Stdio(-1, self.stdio.stdout, self.stdio.stderr)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._outer is not None, "made by __init__, or that has raised"
        return self._outer

    def _connect(self, theirs: ExitStack) -> int:
        """Make the control socket; return the far end."""
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.enter_context(self._control)
        theirs.enter_context(far)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        return far.fileno()

    def _pipes(self, theirs: ExitStack, uid: int) -> tuple[Stdio, tuple[int, int, int]]:
        """Make the three pipes, the target's own: it may open /dev/stdout by name."""
        pairs = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        stdin, stdout, stderr = pairs
        ours = (stdin[1], stdout[0], stderr[0])
        far = (stdin[0], stdout[1], stderr[1])
        for near, distant in zip(ours, far, strict=True):
            os.set_blocking(near, False)
            os.fchown(distant, uid, uid)
            _held(theirs, distant)
        self._ours.callback(self.close_stdin)
        _held(self._ours, stdout[0])
        _held(self._ours, stderr[0])
        return Stdio(*ours), far

    def _await_ready(self) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if not poll.poll(_READY_WITHIN_S * 1000):
            raise SandboxError(f"the sandbox was not ready within {_READY_WITHIN_S:.0f} s")
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        data, ancillary, _, _ = self._control.recvmsg(control.MESSAGE.size, space)
        if control.decode(data) != control.Ready():
            raise SandboxError(f"the sandbox could not be made: {self._complaint()}")
        # The kernel's word for who sent it, in this process's pid namespace.
        self.init_pid = next(
            _CREDENTIALS.unpack(value)[0]
            for level, kind, value in ancillary
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
        )
        self.init_pidfd = _held(self._ours, os.pidfd_open(self.init_pid))

    def _complaint(self) -> str:
        """The first line that the launcher, bubblewrap or init wrote before it gave up."""
        outer = self._running
        assert outer.stderr is not None
        outer.kill()
        outer.wait(_GONE_WITHIN_S)
        os.set_blocking(outer.stderr.fileno(), False)
        with suppress(BlockingIOError):
            text = os.read(outer.stderr.fileno(), 4096)
            return show(octets(text.split(b"\n", 1)[0])) or "no reason was given"
        return "no reason was given"


def _spawn(command: Sequence[str], passed: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start `command` with nothing of this process but the descriptors `passed`."""
    return subprocess.Popen(
        command,
        env={},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=passed,
        extra_groups=(0,),  # by which it gets to the run directory, whoever it becomes
        start_new_session=True,
    )


def _held(stack: ExitStack, descriptor: int) -> int:
    """Have `stack` close `descriptor`; return it."""
    stack.callback(os.close, descriptor)
    return descriptor


def _memory_file(stack: ExitStack, data: bytes) -> int:
    descriptor = _held(stack, os.memfd_create("data"))
    with os.fdopen(os.dup(descriptor), "wb") as writer:
        writer.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
