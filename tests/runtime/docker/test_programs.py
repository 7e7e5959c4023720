"""What an audit container has no program for is refused, not tried and found to fail."""

from __future__ import annotations

import pytest

from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.spec import AuditSpec, Package, Placed, Target
from pytest_ato.runtime.docker.runtime import DockerRuntime


def spec(kind: str, phase: str) -> AuditSpec:
    package = Package(kind=kind, phase=phase, program="/opt/phase/x", program_sha256="")
    target = Target(
        name=f"demo.{phase}",
        path="/demo",
        sha256="",
        size=1,
        format="script",
        placed=(Placed("/demo", "/opt/phase/x"),),
        package=package,
    )
    return AuditSpec(run_id="0" * 32, target=target)


@pytest.mark.parametrize(
    ("kind", "phase", "lacks"),
    [("sdist", "install", "pip"), ("npm", "install", "Node"), ("npm", "import", "Node")],
)
def test_a_phase_without_its_program_is_refused(kind: str, phase: str, lacks: str) -> None:
    with pytest.raises(CaptureUnavailable, match=f"has no {lacks}; .*--ato-runtime=local"):
        list(DockerRuntime("core").audit(spec(kind, phase)))


@pytest.mark.parametrize(
    ("kind", "phase"), [("wheel", "install"), ("sdist", "import"), ("npm", "")]
)
def test_others_need_only_an_engine(kind: str, phase: str, monkeypatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    with pytest.raises(CaptureUnavailable, match="no container engine listens"):
        list(DockerRuntime("core").audit(spec(kind, phase)))
