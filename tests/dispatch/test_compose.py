"""The compose files, as compose itself reads them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_ato import __version__

DOCKER = Path(__file__).parents[2] / "docker"
AUDIT = {"enclave", "xdp-auditor", "dispatcher"}
MONITORING = {"prometheus", "grafana"}
APP = {"nginx", "apache", "drupal", "db"}


def config(
    program: str, *profiles: str, files: tuple[str, ...] = ("compose.yaml",)
) -> dict[str, Any]:
    """What compose makes of the files."""
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    named = [word for file in files for word in ("-f", str(DOCKER / file))]
    done = subprocess.run(
        [program, *named, *chosen, "config"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COMPOSE_PROJECT_NAME": "ato-config"},
    )
    assert done.returncode == 0, done.stderr
    assert "variable is not set" not in done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


@pytest.fixture(scope="module")
def whole(compose: str) -> dict[str, Any]:
    return config(compose, "monitoring", "app")


def test_profiles_leave_the_audit_part_alone(whole: dict[str, Any]) -> None:
    assert set(whole["services"]) == AUDIT | MONITORING | APP
    written = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    without = {name for name, service in written.items() if not service.get("profiles")}
    assert without == AUDIT
    for name in AUDIT:
        assert set(written[name].get("depends_on", ())) <= AUDIT


def test_the_enclave_is_the_one_namespace(whole: dict[str, Any]) -> None:
    services = whole["services"]
    for name in ("xdp-auditor", "dispatcher", "prometheus", "grafana", "nginx"):
        assert services[name]["network_mode"] == "service:enclave", name
    assert services["enclave"]["cap_add"] == ["NET_ADMIN"]
    for name in ("apache", "drupal", "db"):
        assert list(services[name]["networks"]) == ["app_net"], name
    assert whole["networks"]["app_net"]["internal"] is True


def test_only_what_must_has_privileges(whole: dict[str, Any]) -> None:
    for name, service in whole["services"].items():
        assert service["read_only"] is True, name
        assert service["healthcheck"]["test"], name
        if name == "xdp-auditor":
            assert service["privileged"] is True
            continue
        assert not service.get("privileged"), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert whole["services"]["dispatcher"]["cap_add"] == ["SYS_ADMIN"]


def test_an_engine_without_privileged_has_its_own_file(compose: str) -> None:
    auditor = config(compose, files=("compose.yaml", "compose.caps.yaml"))["services"][
        "xdp-auditor"
    ]
    assert not auditor.get("privileged")
    assert (auditor["cap_add"], auditor["cap_drop"]) == (["ALL"], ["SYS_RESOURCE"])


def test_the_log_and_the_map_are_where_the_dispatcher_looks(whole: dict[str, Any]) -> None:
    dispatcher = whole["services"]["dispatcher"]
    environment = dispatcher["environment"]
    assert environment["ATO_DISPATCH_LOG"] == "/var/log/audit/signed_evidence.log"
    assert environment["FLOW_MAP_PATH"] == "/sys/fs/bpf/flow_map"
    assert dispatcher["image"] == f"pytest-ato:{__version__}"
    text = json.dumps(dispatcher["volumes"])
    assert "signed-audit-log" in text
    assert "/var/log/audit" in text


def test_every_file_that_is_mounted_is_there() -> None:
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    mounted = [
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if volume.startswith(".")
    ]
    assert len(mounted) == 6
    for each in mounted:
        assert (DOCKER / each).exists(), each
