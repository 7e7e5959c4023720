"""sandbox_escape: the target reaches for what lies outside: the engine, the kernel, the host.

Owns which files, sockets and calls lead out. Reading the kernel's settings or one's own cgroup is
what runtimes do; an attempt that was refused or found nothing is high, one that was granted
critical.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.outcome import outcome
from pytest_ato.detectors.paths import normal, opens_for_writing, resolved, stable_path
from pytest_ato.detectors.peers import INIT
from pytest_ato.detectors.procfs import given_entry
from pytest_ato.model.events import Bind, Connect, Door, Open
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_ENGINE: Final = re.compile(
    r"(?:.*/)?(?:docker|dockershim|containerd|podman|crio|cri-dockerd|buildkitd)"
    r"(?:\.sock\.ttrpc|-debug\.sock|\.sock)|(?:.*/)?(?:lxd|incus)(?:/common/lxd)?/unix\.socket",
    re.DOTALL,
)
_SHIM: Final = "@/containerd-shim/"
_DEVICE: Final = re.compile(
    r"/dev/(?:sd[a-z]+[0-9]*|x?vd[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(?:p[0-9]+)?|dm-[0-9]+|"
    r"mmcblk[0-9]+(?:p[0-9]+)?|md[0-9]+|loop[0-9]+|mapper/.+|disk/.+|k?mem|port)",
    re.DOTALL,
)
_SETTING: Final = re.compile(
    r"/proc/sys/.+|/proc/(?:sysrq-trigger|kcore|irq/.+|acpi/.+|bus/.+)|"
    r"/sys/(?:kernel/(?!(?:debug/)?tracing/)|(?:module|firmware|power|class|devices|bus|block)/).+",
    re.DOTALL,
)
_CGROUP: Final = re.compile(
    r"/sys/fs/cgroup/(?:.*/)?(?:release_agent|notify_on_release|cgroup\.[a-z.]+|tasks|"
    r"devices\.(?:allow|deny))",
    re.DOTALL,
)
_OPENED: Final = (("device", "opens the host's device", _DEVICE),)
_WRITTEN: Final = (
    *_OPENED,
    ("setting", "writes the kernel's setting", _SETTING),
    ("cgroup", "writes the control group file", _CGROUP),
)
_OUTSIDE: Final = re.compile(r"(?:root|cwd)(?:/.*)?|ns/.+", re.DOTALL)
_MODULES: Final = frozenset({"init_module", "finit_module", "delete_module"})
_KEXEC: Final = frozenset({"kexec_load", "kexec_file_load"})
_MOUNTS: Final = frozenset(
    {"mount", "umount2", "move_mount", "fsopen", "fspick", "fsmount", "pivot_root"}
    | {"mount_setattr"}
)
_MAX_KNOWN: Final = 4096


class SandboxEscape(Detector):
    """Finds engine sockets, kernel settings, devices, cgroups, setns, modules, mounts."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-PRV-028",
        name="sandbox_escape",
        category=Category.PRIVILEGE,
        severity=Severity.CRITICAL,
        title="The way out of the sandbox is tried",
        technique="T1611",
        wants=(Open, Connect, Bind, Door),
        places=("/proc/", "/sys/", "/dev/", "/run/", "/var/run/", "/var/lib/", "/var/snap/"),
        fires="a container engine's socket, release_agent, core_pattern, a host's device, "
        "cgroup.procs, setns, mount or a kernel module is reached for, also when refused",
        silent="a unix socket of the target's own, reading kernel settings",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._own_sockets: set[str] = set()
        self._namespaced: set[int] = set()
        """Processes (serials) that made a user namespace: they may mount in it."""

    def process(self, event: Event) -> Iterable[Finding]:
        """Report an attempt as soon as it is seen."""
        match event:
            case Open():
                yield from self._open(event)
            case Connect(family="unix", source="syscall"):
                path = normal(event.address)
                if _is_engine(path) and path not in self._own_sockets:
                    yield self._engine(event, path)
            case Bind(family="unix") if event.result >= 0:
                if len(self._own_sockets) < _MAX_KNOWN:
                    self._own_sockets.add(normal(event.address))
            case Door():
                yield from self._door(event)

    def _open(self, event: Open) -> Iterable[Finding]:
        path = resolved(event)
        if _is_engine(path) and path not in self._own_sockets:
            yield self._engine(event, path)
            return
        given = given_entry(event)
        if given is not None and given.number == INIT and _OUTSIDE.fullmatch(given.name):
            stable = stable_path(given.name, self.context.home)
            what = f"opens /proc/1/{stable}, of the sandbox's init"
            yield self._tell(event, f"init:{stable}", what, f"/proc/1/{stable}")
        for kind, what, pattern in _WRITTEN if opens_for_writing(event) else _OPENED:
            if pattern.fullmatch(path):
                stable = stable_path(path)
                yield self._tell(event, f"{kind}:{stable}", f"{what} {stable}", path)

    def _door(self, event: Door) -> Iterable[Finding]:
        process = self.context.processes.actor(event.pid)
        if event.name in ("unshare", "clone", "clone3"):
            is_granted = "CLONE_NEWUSER" in event.detail and event.result >= 0
            if is_granted and len(self._namespaced) < _MAX_KNOWN:
                self._namespaced.add(process.serial)
        elif event.name == "setns":
            yield self._tell(event, "setns", "enters another namespace")
        elif event.name in _MODULES:
            yield self._tell(event, "kernel_module", "loads or removes a kernel module")
        elif event.name in _KEXEC:
            yield self._tell(event, "kexec", "loads another kernel")
        elif event.name in _MOUNTS:
            line = {process.serial, *(state.serial for state in process.ancestors)}
            if line.isdisjoint(self._namespaced):
                yield self._tell(event, "mount", f"changes mounts ({event.name})")

    def _engine(self, event: Open | Connect, path: str) -> Finding:
        stable = "@/containerd-shim/*" if path.startswith(_SHIM) else stable_path(path)
        return self._tell(event, f"engine:{stable}", f"uses the container engine's {stable}", path)

    def _tell(self, event: Open | Connect | Door, key: str, what: str, where: str = "") -> Finding:
        result = outcome(event.result or 0)
        match event:
            case Open():
                proof = f"{event.call} of {show(where)}"
            case Connect():
                proof = f"connect to {show(where)}"
            case Door():
                proof = show(f"{event.name} {event.detail}".rstrip())
        return self.finding(
            key=key,
            title=f"{self.context.processes.label(event.pid)} {what}{result}",
            severity=Severity.HIGH if result else None,
            evidence=(Evidence(ts=event.ts, text=f"{proof}{result}", pid=event.pid),),
            where=where,
            pid=event.pid,
            count=1 if isinstance(event, Connect) else event.count,
        )


def _is_engine(path: str) -> bool:
    """Whether the path of a socket is one at which a container engine takes its orders."""
    return path.startswith(_SHIM) or _ENGINE.fullmatch(path) is not None
