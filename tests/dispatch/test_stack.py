"""The flow stack of docker/ as a whole, under a real engine: a real application behind it, a token
in the dispatcher, a real Prometheus beside it.

The images are made of Debian's packages (`stack/Dockerfile`). Drupal is not among them: WordPress
has its place. Neither is Grafana, which is not started; what its dashboard asks is asked elsewhere.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ato.dispatch.tally import tally
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.runtime.docker.engine import connect

from ..evidence.softhsm import Token  # noqa: TID252
from ..flows.conftest import mounted  # noqa: TID252
from ..runtime.docker.conftest import engines, eventually, host, image  # noqa: TID252
from .composed import Project, capabilities
from .conftest import ATO

__all__ = ["engines", "host", "image"]

pytestmark = [pytest.mark.docker, pytest.mark.privileged, pytest.mark.hsm, pytest.mark.slow]

SERVICES = {"enclave", "xdp-auditor", "dispatcher", "prometheus", "nginx", "apache", "drupal", "db"}
LOG = "/var/log/audit/signed_evidence.log"
INSIDE = "/opt/pytest-ato/bin/ato"
_PATIENCE = 300.0
"""Seconds for what takes a few on a machine that is not busy."""
_BITS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "KILL": 5, "SETGID": 6, "SETUID": 7}
_BITS |= {"NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "SYS_ADMIN": 21}


def fetch(url: str, **form: str) -> str:
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(url, data, timeout=_PATIENCE) as answer:
        text: str = answer.read().decode()
    return text


def told(*command: str | Path) -> str:
    """What a command of this machine says; asserts that it succeeds."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(
    host: str, image: str, compose: str, token: Token, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """The stack, up; and down in the end, whatever happened."""
    place = tmp_path_factory.mktemp("stack")
    (place / "db-password").write_text(secrets.token_hex(8))
    with mounted(place) as bpffs:
        made = Project(
            compose,
            f"ato-stack-{os.getpid()}",
            connect(timeout=300),
            {
                "DOCKER_HOST": host,
                "ATO_IMAGE": image,
                "ATO_BPFFS": str(bpffs),
                "ATO_TOKEN": str(token.place),
                "ATO_SIGN": token.uri("p256"),
                "ATO_SECRETS": str(place),
                "ATO_INTERVAL": "1",
                "ATO_HTTP": "127.0.0.1:",
                "ATO_GRAFANA": "127.0.0.1:",
                "ATO_PROMETHEUS": "127.0.0.1:",
            },
        )
        try:
            made.run("build", "-q")
            made.run("up", "-d", "--no-build", *SERVICES)
            yield made
        finally:
            made.run("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="module")
def site(project: Project) -> str:
    """URL of the application, installed through the front door."""
    url = project.address(80)
    password = secrets.token_hex(8)
    done = fetch(
        f"{url}/wp-admin/install.php?step=2",
        weblog_title="Enclave",
        user_name="operator",
        admin_password=password,
        admin_password2=password,
        pw_weak="1",
        admin_email="operator@site.example",
        blog_public="0",
    )
    assert "Success!" in done
    return url


def posts(site: str) -> list[Any]:
    """What the application has in its database, asked over REST."""
    found: list[Any] = json.loads(fetch(f"{site}/?rest_route=/wp/v2/posts"))
    return found


def counted(project: Project) -> tuple[dict[str, str], set[tuple[str, int, int]]]:
    """How each interface of the enclave is counted; interface and ports of flows to port 80."""
    lines = project.inside("xdp-auditor", INSIDE, "flows", "list").splitlines()
    told = [json.loads(line) for line in lines]
    flows = {
        (one["interface"], one["source_port"], one["destination_port"])
        for one in told
        if one["kind"] == "flow"
    }
    return (
        {one["interface"]: one["xdp"] for one in told if one["kind"] == "interface"},
        {flow for flow in flows if 80 in flow},
    )


def test_what_passes_the_enclave_is_counted_signed_and_scraped(
    project: Project, site: str, token: Token, tmp_path: Path
) -> None:
    for _ in range(5):
        assert posts(site)[0]["slug"] == "hello-world"
    modes, flows = counted(project)
    assert modes == {"eth0": "native", "eth1": "native"}
    assert {interface for interface, *_ in flows} == {"eth0", "eth1"}

    prometheus = project.address(9090)

    def query(expression: str) -> float:
        asked = urllib.parse.urlencode({"query": expression})
        result = json.loads(fetch(f"{prometheus}/api/v1/query?{asked}"))["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0

    assert eventually(lambda: query("ato_verified_flows_total") >= 4, _PATIENCE)
    assert query('up{job="ato-dispatcher"}') == 1
    assert query("ato_signed_evidence_total") > 1
    assert query("ato_unverified_flows_total") == query("ato_spool_flows") == 0
    assert query("sum(ato_flow_packets_total)") > 100

    log = tmp_path / "log"
    log.write_text(project.inside("dispatcher", "cat", LOG))
    key = tmp_path / "key.pem"
    key.write_text(told(ATO, "keys", "show", token.uri("p256")))
    told(ATO, "verify", log, f"--key={key}")
    assert sum(flow.packets_in + flow.packets_out for flow in tally(log, Keys()).values()) > 100
    record = tmp_path / "record"
    told(ATO, "evidence", "export", "1", f"--log={log}", "-o", record)
    signature = tmp_path / "sig.bin"
    told("openssl", "base64", "-d", "-in", record / "sig.b64", "-out", signature)
    openssl = ("openssl", "dgst", "-sha256", "-verify", key, "-signature", signature)
    assert told(*openssl, record / "evidence.bin") == "Verified OK\n"
    assert '"type":"flows"' in (record / "record.json").read_text()


def test_services_are_healthy_and_have_no_more_than_they_need(project: Project) -> None:
    def unhealthy() -> set[str]:
        found = project.containers()
        return {name for name in found if found[name]["State"]["Health"]["Status"] != "healthy"}

    assert eventually(lambda: not unhealthy(), _PATIENCE), unhealthy()
    found = project.containers()
    assert set(found) == SERVICES
    for name, container in found.items():
        assert container["RestartCount"] == 0, project.log(name)
        assert container["HostConfig"]["ReadonlyRootfs"] is True, name
        if name == "xdp-auditor":
            continue
        status = project.inside(name, "cat", "/proc/1/status")
        given = container["HostConfig"]["CapAdd"] or ()
        assert capabilities(status)["Bnd"] == sum(1 << _BITS[each] for each in given), name
        assert "NoNewPrivs:\t1" in status, name


def test_another_container_cannot_dispatch_the_same_map(project: Project) -> None:
    command = f"{INSIDE} dispatch --listen=127.0.0.1:0 2>&1; test $? = 2"
    said = project.inside("xdp-auditor", "/bin/sh", "-c", command)
    assert "another dispatcher reads /sys/fs/bpf/flow_map" in said


def test_the_auditor_leaves_a_namespace_that_was_replaced(project: Project, site: str) -> None:
    before = project.containers()["xdp-auditor"]
    since = int(time.time())
    project.run("restart", "enclave")

    def counts_anew() -> bool:
        last = project.log("xdp-auditor").rpartition("is no longer counted: it has gone")
        return bool(last[0]) and last[2].count('"kind":"attached"') == 2

    assert eventually(counts_anew, _PATIENCE), project.log("xdp-auditor")
    ends = project.engine.events(
        since=since,
        until=int(time.time()) + 1,
        filters={"event": "die", "container": before["Id"]},
        decode=True,
    )
    assert {end["Actor"]["Attributes"]["exitCode"] for end in ends} == {"3"}
    modes, known = counted(project)
    assert modes == {"eth0": "native", "eth1": "native"}
    project.run("restart", "nginx")  # whoever else sat in the old one
    url = project.address(80)
    assert eventually(lambda: _answers(url), _PATIENCE)
    new = counted(project)[1] - known
    assert {interface for interface, *_ in new} == {"eth0", "eth1"}


def _answers(url: str) -> bool:
    try:
        return bool(posts(url))
    except OSError:
        return False


def test_it_ends_by_itself_and_leaves_nothing(project: Project) -> None:
    project.run("stop", "--timeout", "60")
    ends = {name: one["State"]["ExitCode"] for name, one in project.containers().items()}
    assert 137 not in ends.values(), ends  # killed, since it did not end when it was told to
    project.run("down", "--volumes")
    assert project.left() == []
    pinned = {each.name for each in Path(project.environment["ATO_BPFFS"]).glob("flow*")}
    assert pinned == {"flow_map", "flow_map_counts", "flow_map_secret"}  # for whoever goes on
