"""One audit's sandbox from its files to its end: what the capture session holds.

Owns the order of the steps: `prepare` (files), `start` (processes, up to READY), `release` (the
target), `cleanup`. What the target does in between is none of its business.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pytest_ato.capture import canary
from pytest_ato.capture.cgroups import AuditCgroup
from pytest_ato.capture.rundir import RunDir
from pytest_ato.capture.sandbox import bwrap, image, mounts, place, rootfs, trust, userns, writable
from pytest_ato.capture.sandbox.control import ControlMessage
from pytest_ato.capture.sandbox.errors import SandboxError
from pytest_ato.capture.sandbox.order import encode
from pytest_ato.capture.sandbox.process import Process, Stdio
from pytest_ato.capture.sandbox.rootfs import Bind, Stores
from pytest_ato.capture.sandbox.writable import PlantedFile
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import AuditSpec, Image

_PROC = Path("/proc")


class Sandbox(Closing):
    """Needs `mounts.enter_private_mounts()` once before, and `cleanup()` after, whatever happened
    in between; or use it in a ``with`` statement."""

    def __init__(
        self,
        spec: AuditSpec,
        *,
        cgroup: AuditCgroup,
        rundir: RunDir,
        netns: int | None = None,
        resolver: str | None = None,
        hostname: str = "workstation",
        stores: Stores | None = None,
    ) -> None:
        """`netns`: descriptor of the target's network namespace; None: an empty one of its own.
        `resolver`: address for its resolv.conf. `stores`: whom its programs trust; None: whom
        the host's trust."""
        self._spec = spec
        self._cgroup = cgroup
        self._netns = netns
        self._resolver = resolver
        self._hostname = hostname
        self._stores = stores
        self._image = spec.target.image
        self._rundir = rundir
        self._uid = rundir.uid
        self._userns: int | None = None
        if self._image is not None:
            self._uid = rundir.first_id + self._image.uid
        self._root = rundir.path / "root"
        self._data = rundir.path / "data"
        self._mounted: list[Path] = []
        self._binds: list[Bind] = []
        self._process: Process | None = None

    # --- the steps ---

    def prepare(self) -> tuple[PlantedFile, ...]:
        """Build the root, the writable space with its planted files, and place the target.

        Raises UsageError for files that cannot be placed or planted so, else SandboxError.
        """
        try:
            self._mount(self._root, None)
            self._mount(self._data, self._spec.limits.disk)
            if self._image is not None:
                return self._prepare_image(self._image)
            return self._prepare_host()
        except ValueError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            raise SandboxError(f"the sandbox's files could not be made: {error}") from error

    def _prepare_host(self) -> tuple[PlantedFile, ...]:
        """With the host's programs and libraries."""
        spec = self._spec
        host = rootfs.build(
            self._root,
            uid=self._uid,
            home=spec.home,
            hostname=self._hostname,
            resolver=self._resolver,
            stores=self._stores,
        )
        spaces = writable.build(self._data, uid=self._uid, home=spec.home)
        shown = [bind.dest for bind in host]
        over = place.place(spec.target.placed, self._root, shown, spaces)
        place.verify(spec.target, self._root)
        own = [Bind(source, dest, writable=True) for dest, source in spaces.items()]
        self._binds = [*host, *own, *over]
        home = spaces[spec.home]
        return tuple(
            writable.plant(file, home, uid=self._uid, home=spec.home) for file in spec.plants
        )

    def _prepare_image(self, of: Image) -> tuple[PlantedFile, ...]:
        """With what is in the image; it may write wherever its users may."""
        spec, first = self._spec, self._rundir.first_id
        self._rundir.open_to_group()
        binds = image.build(
            self._root,
            spec,
            first_id=first,
            hostname=self._hostname,
            resolver=self._resolver,
            stores=self._stores,
        )
        place.verify(spec.target, self._root)
        planted = image.plant(spec.plants, self._root, of, spec.home, first)
        mounts.resize_tmpfs(self._root, mounts.used(self._root) + spec.limits.disk)
        shared = Bind(writable.shared(self._data), "/dev/shm", writable=True)  # noqa: S108
        self._binds = [*binds, shared]
        self._userns = userns.make(first)
        return tuple(planted)

    def placed(self) -> list[tuple[str, Path]]:
        """What was placed: its path in the sandbox, and where that lies outside."""
        found = []
        for item in self._spec.target.placed:
            copy = self._root / item.dest.lstrip("/")
            found.append((item.dest, copy if copy.exists() else Path(item.source)))
        return found

    def start(self) -> None:
        """Start bubblewrap and wait until init says READY in the finished sandbox.

        Call it in the main thread: the sandbox dies with the thread that started it. Raises
        CaptureUnavailable or SandboxError.
        """
        options = bwrap.options(
            self._root,
            self._binds,
            hostname=self._hostname,
            own_network=self._netns is None,
            proc=_PROC,
            userns=self._userns,
        )
        try:
            self._process = Process(
                bwrap.find(),
                options,
                self._order(),
                procs=self._cgroup.procs,
                netns=self._netns,
                uid=self._uid,
                userns=self._userns,
            )
        except OSError as error:
            raise SandboxError(f"the sandbox could not be started: {error}") from error

    def _order(self) -> bytes:
        """What init is to start."""
        spec = self._spec
        variables = trust.VARIABLES if self._stores is not None else {}
        if self._image is None:
            work = f"{spec.home}/{writable.WORK}"
            return encode(spec, uid=self._uid, gid=self._uid, directory=work, variables=variables)
        return encode(
            spec,
            uid=self._image.uid,
            gid=self._image.gid,
            directory=self._image.directory,
            capabilities=sum(1 << number for number in bwrap.IMAGE_CAPABILITIES.values()),
            variables=variables,
        )

    def release(self, nonce: str) -> None:
        """GO: init fires its canary under the name `nonce`, then starts the target."""
        self._started.release(nonce)

    def close(self) -> None:
        """Kill what lives, reap it, close all descriptors, take the mounts away. Idempotent."""
        self._cgroup.kill()
        if self._process is not None:
            self._process.close()
            self._process = None
        if self._userns is not None:
            os.close(self._userns)
            self._userns = None
        while self._mounted:
            path = self._mounted.pop()
            with suppress(OSError):
                mounts.unmount(path)
                path.rmdir()

    # --- while it runs ---

    @property
    def init_pid(self) -> int:
        """Host pid of the sandbox's pid 1; the target is its first child."""
        return self._started.init_pid

    @property
    def outer_pid(self) -> int:
        """Host pid of bubblewrap's process outside, which is in the audit's cgroup too."""
        return self._started.outer_pid

    @property
    def uid(self) -> int:
        """The user that the target runs as."""
        return self._uid

    @property
    def init_pidfd(self) -> int:
        """Readable when the sandbox is empty: pid 1 has ended, and all others before it."""
        return self._started.init_pidfd

    @property
    def stdio(self) -> Stdio:
        """Our ends of the target's standard streams."""
        return self._started.stdio

    @property
    def control(self) -> int:
        """Descriptor to poll; then `read_control`."""
        return self._started.control

    def read_control(self) -> list[ControlMessage]:
        """Return what init has said since; after `Closed` stop polling."""
        return self._started.read_control()

    def close_stdin(self) -> None:
        """End the target's standard input."""
        self._started.close_stdin()

    def survivors(self) -> list[bytes]:
        """Return the command names of the live processes other than bubblewrap's and init."""
        own = (self._started.outer_pid, self._started.init_pid)
        names = (_live_name(pid) for pid in self._cgroup.pids() if pid not in own)
        return [name for name in names if name is not None]

    def canary_files(self) -> tuple[PlantedFile, ...]:
        """The files of the sandbox that init opens to prove that marks on files are alive."""
        found = []
        for name in canary.FILES:
            path = self._root / name.lstrip("/")
            status = path.stat()
            found.append(PlantedFile(name, status.st_dev, status.st_ino, str(path)))
        return tuple(found)

    def kill_target(self) -> None:
        """SIGKILL to all but our own two processes, none of which can fork away from it."""
        self._cgroup.kill_but((self._started.outer_pid, self._started.init_pid))

    def kill(self) -> None:
        """SIGKILL to all at once. `Closed` follows on the control socket."""
        self._started.kill()
        self._cgroup.kill()

    def disk_full(self) -> bool:
        """Whether the writable space is used up at this moment."""
        spaces = (self._data,) if self._image is None else (self._data, self._root)
        return bool(self._mounted) and any(map(writable.is_full, spaces))

    @property
    def _started(self) -> Process:
        if self._process is None:
            raise SandboxError("the sandbox does not run")
        return self._process

    def _mount(self, path: Path, size: int | None) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        mounts.mount_tmpfs(path, mode=0o755, size=size)
        self._mounted.append(path)


def _live_name(pid: int) -> bytes | None:
    """Return a process's name (proc(5): `pid (comm) state ...`), None for a zombie or nobody."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    state = text[text.rindex(b")") + 2 :][:1]
    return None if state in b"ZX" else text[text.index(b"(") + 1 : text.rindex(b")")]
