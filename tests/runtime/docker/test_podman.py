"""Podman's service in place of Docker: the same calls, the same answers, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_ato.audit import Auditor, Options
from pytest_ato.model.verdict import Verdict
from pytest_ato.runtime.docker import image as images
from pytest_ato.runtime.docker.engine import Engine, connect
from pytest_ato.runtime.docker.runtime import DockerRuntime
from pytest_ato.target import resolve

from .conftest import ROOT, containers, eventually

pytestmark = [pytest.mark.docker, pytest.mark.privileged, pytest.mark.slow]

STORE = ROOT / "build/podman"
"""Keeps the image, so that it is copied once."""
LIMIT = 4096
BRIDGE = Path("/sys/class/net/cni-podman0")
"""It leaves its own behind."""


@pytest.fixture(scope="module")
def podman(engine: Engine, image: str, lack: Callable[[str, str], NoReturn]) -> Iterator[Engine]:
    """A client of a Podman of our own that has the image of this tree, and DOCKER_HOST for it."""
    if shutil.which("podman") is None or os.geteuid() != 0:
        lack("docker", "Podman is not installed, or this is not root")
    STORE.mkdir(parents=True, exist_ok=True)
    run = Path("/run", f"ato-podman-{STORE.stat().st_ino:x}")  # it wants the same each time
    run.mkdir(exist_ok=True)
    words = ("podman", "--root", str(STORE / "data"), "--runroot", str(run / "run"))
    with _serving(words, run) as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", host)
        client = connect()
        wanted = engine.inspect_image(image)["Id"]
        if (images.look(client, image) or {}).get("Id") != wanted:
            with tempfile.NamedTemporaryFile(dir=STORE) as file:
                file.writelines(engine.get_image(image))
                file.flush()
                subprocess.run([*words, "load", "-q", "-i", file.name], check=True)
        yield client


@contextmanager
def _serving(words: Sequence[str], run: Path) -> Iterator[str]:
    """Run Podman's service; yield where it listens."""
    settings, socket = run / "containers.conf", run / "socket"
    settings.write_text(  # of itself it raises these limits, allowed or not
        f'[containers]\ndefault_ulimits = ["nofile={LIMIT}:{LIMIT}", "nproc={LIMIT}:{LIMIT}"]\n'
    )
    had_bridge = BRIDGE.exists()
    with (STORE / "log").open("w") as log:
        process = subprocess.Popen(
            [*words, "system", "service", "--time=0", f"unix://{socket}"],
            env={**os.environ, "CONTAINERS_CONF": str(settings)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        assert eventually(socket.exists), (STORE / "log").read_text()
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait()
        socket.unlink(missing_ok=True)
        if not had_bridge:
            subprocess.run(["ip", "link", "del", BRIDGE.name], check=False, capture_output=True)


def test_a_theft_is_seen_by_the_usual_right_and_the_container_goes(
    podman: Engine, script, tmp_path: Path
) -> None:
    target = resolve(str(script("cat ~/.aws/credentials; exit 0", name="thief")))
    with Auditor(report_dir=tmp_path, runtime=DockerRuntime("auto")) as auditor:
        outcome = auditor.audit(target, Options())
        assert len(containers(podman)) == 1
    assert outcome.report.verdict is Verdict.REJECT
    assert outcome.report.inconclusive == ()
    provenance = outcome.report.provenance
    assert provenance.privilege == "container with SYS_ADMIN, NET_ADMIN, SYS_PTRACE"
    assert eventually(lambda: not containers(podman))
