"""One capture session: load the kernel side once, then serve audits one after another.

Owns what lives as long as the capture process: loader, run directory, gateway. What happens
within one audit is `run`'s.
"""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from pytest_ato.capture.caller import Caller
from pytest_ato.capture.cgroups import AuditCgroup
from pytest_ato.capture.loader.interface import Loader
from pytest_ato.capture.network import Gateway, isolated
from pytest_ato.capture.proxy.authority import Authority
from pytest_ato.capture.run import Run
from pytest_ato.capture.rundir import RunDir
from pytest_ato.capture.sandbox import trust
from pytest_ato.capture.sandbox.errors import SandboxError
from pytest_ato.capture.sandbox.mounts import enter_private_mounts, mount_tmpfs, unmount
from pytest_ato.capture.sandbox.rootfs import Stores
from pytest_ato.capture.sandbox.sandbox import Sandbox
from pytest_ato.capture.stream import EventStream
from pytest_ato.capture.tls.libraries import Libraries
from pytest_ato.model.container import INBOX
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.events import End
from pytest_ato.model.spec import AuditSpec

MACHINES: Final = frozenset({"x86_64"})
"""Whose system call numbers capture knows, as ``uname -m`` calls them."""

_STORES: Final = 16 << 20
"""Bytes that the trust stores may take."""


class Session:
    """Serves orders until the caller is gone. Call `start`, then `serve`, then `close`."""

    def __init__(
        self,
        loader: Loader,
        caller: Caller,
        stream: EventStream,
        mitmproxy: Path | None = None,
    ) -> None:
        """`mitmproxy`: the virtual environment that has it, for audits with a network."""
        self._loader = loader
        self._caller = caller
        self._stream = stream
        self._cleanup = ExitStack()
        self._mitmproxy = mitmproxy
        self._gateway: Gateway | None = None
        self._open_gateway: Gateway | None = None
        self._stores: Stores | None = None
        self._load_ms = 0.0
        self._serial = 0

    def start(self) -> None:
        """Get ready for audits; raises CaptureUnavailable, in one line with the cure."""
        machine = os.uname().machine
        if machine not in MACHINES:
            raise CaptureUnavailable(f"this machine is {machine}: audits need x86-64")
        enter_private_mounts()
        self._rundir = self._cleanup.enter_context(RunDir.claim())
        began = time.monotonic()
        self._cleanup.callback(self._loader.close)
        self._libraries = Libraries(self._loader, self._rundir.helper_uid)
        self._cleanup.callback(self._libraries.close)
        # libbpf lets go of the interpreter while it loads, so the two overlap
        with ThreadPoolExecutor(2) as pool:
            loading = pool.submit(self._loader.load)
            looking = pool.submit(self._libraries.look_at_host)
            self._start_gateway()
            loading.result()
            looking.result()
        self._load_ms = (time.monotonic() - began) * 1000

    def _start_gateway(self) -> None:
        """Where there can be none, only an audit that asks for it minds."""
        gateway = Gateway(self._rundir.helper_uid, self._mitmproxy)
        try:
            gateway.begin()
            if gateway.authority is not None:
                self._trust(gateway.authority)  # while the sinkhole starts
            gateway.wait_ready()
        except CaptureUnavailable as error:
            self._no_gateway = error
        else:
            self._cleanup.callback(gateway.close)
            self._gateway = gateway

    def _trust(self, authority: Authority) -> None:
        """Build the trust stores that sandboxes show."""
        place = self._rundir.path / "stores"
        place.mkdir(mode=0o700)
        mount_tmpfs(place, mode=0o755, size=_STORES)
        self._cleanup.callback(place.rmdir)
        self._cleanup.callback(unmount, place)
        self._stores = trust.build(place, pem=authority.certificate, der=authority.der)

    def serve(self) -> None:
        """Audit what is ordered, until there are no more orders."""
        while (spec := self._caller.next()) is not None:
            self._serial += 1
            self._audit(spec)
            self._stream.flush()

    def _audit(self, spec: AuditSpec) -> None:
        began = time.monotonic()
        with ExitStack() as cleanup:
            cleanup.callback(shutil.rmtree, Path(INBOX, spec.run_id), ignore_errors=True)
            cgroup = AuditCgroup(self._rundir, spec.run_id, spec.limits)
            cleanup.callback(cgroup.remove)
            gateway = self._gateway_of(spec)
            network = gateway.join(self._serial, spec.egress) if gateway else isolated()
            cleanup.callback(network.close)
            sandbox = Sandbox(
                spec,
                cgroup=cgroup,
                netns=network.netns,
                rundir=self._rundir,
                resolver=network.resolver or None,
                stores=self._stores if gateway else None,
            )
            cleanup.callback(sandbox.close)
            try:
                planted = sandbox.prepare()
                watched = self._libraries.prepare(sandbox.placed())
                cleanup.callback(self._libraries.forget)
                self._loader.attach_cgroup(cgroup.fd)
                cleanup.callback(self._loader.detach_cgroup)
                if gateway:
                    gateway.on_wire(self._loader.attach_wire)
                sandbox.start()
            except SandboxError as error:
                self._stream.put(
                    End(ts=time.monotonic_ns(), ended="not_started", reason=str(error))
                )
                return
            run = Run(
                spec,
                self._loader,
                sandbox,
                cgroup,
                network,
                gateway,
                self._stream,
                self._libraries,
                watched,
            )
            attach_ms = self._load_ms + (time.monotonic() - began) * 1000
            self._load_ms = 0.0  # paid once a session
            cleanup.callback(run.close)
            run.run(self._caller, planted, attach_ms, self._serial)

    def _gateway_of(self, spec: AuditSpec) -> Gateway | None:
        """Return the gateway that an audit wants; an open one starts with the first such audit."""
        if spec.network == "none":
            return None
        if self._gateway is None:
            raise self._no_gateway
        if spec.network == "sinkhole":
            return self._gateway
        if self._open_gateway is None:
            authority = self._gateway.authority
            uid = self._rundir.helper_uid
            gateway = Gateway(uid, self._mitmproxy, open=True, authority=authority)
            gateway.start()
            self._cleanup.callback(gateway.close)
            self._open_gateway = gateway
        return self._open_gateway

    def close(self) -> None:
        """Undo everything that `start` did."""
        self._cleanup.close()
