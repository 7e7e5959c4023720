"""An open network: the true servers answer, what is said is recorded, and nothing else leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ato.eventlog import read_log
from pytest_ato.model.events import AnyEvent, Dns, Handshake, Lost, Tcp, Tls
from pytest_ato.model.octets import raw

pytestmark = pytest.mark.privileged

WORLD = Path(__file__).with_name("world.py")
SCRIPT = """\
#!/bin/sh
curl -sS -m 20 -w '%{http_version}\\n' https://www.world.example/tls?marker=secret
curl -sS -m 20 http://www.world.example/plain
curl -sS -m 20 -o /dev/null -w '%{http_code}\\n' https://other.world.example/
curl -sS -m 20 http://198.51.100.9/by-address
exit 0
"""
WATCHED = """\
state() {{
    ip -d link; ip addr; ip route show table all; ip rule; ip -6 rule; nft list ruleset
    sysctl -a --pattern forward 2>/dev/null
}}
{hide}
state >{folder}/before
"$@"
state >{folder}/after
"""
"""What runs a command, and notes what this machine's network is before and after."""
POLICY = "declared:\n  domains: [{name}]\n"


class Audit:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[AnyEvent] = list(read_log(folder / "rep/tool/events.jsonl"))
        self.report = json.loads((folder / "rep/tool/report.json").read_bytes())
        self.access = (folder / "access.log").read_text()
        self.before, self.after = ((folder / name).read_text() for name in ("before", "after"))
        self.asked = (folder / "asked").read_text().split()

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def printed(self) -> str:
        outputs = [e for e in self.events if getattr(e, "stream", "") in ("stdout", "stderr")]
        return b"".join(raw(e.data) for e in outputs).decode()


def run(folder: Path, *words: str, hidden: str = "") -> Audit:
    """Audit in a world of its own, where the program at the path `hidden` is not installed."""
    tool = folder / "tool"
    tool.write_text(SCRIPT)
    tool.chmod(0o755)
    ato = [sys.executable, "-P", "-c", "import sys; from pytest_ato.cli import main; main()"]
    options = ["--network=open", "--enrich=off", "--report-dir", str(folder / "rep"), *words]
    hide = f"mount --bind /dev/null {hidden}" if hidden else ""
    shell = ["sh", "-c", WATCHED.format(folder=folder, hide=hide), "sh"]
    command = [*shell, *ato, "run", *options, str(tool)]
    subprocess.run(
        [sys.executable, str(WORLD), str(folder), *command],
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": ""},
    )
    return Audit(folder)


@pytest.fixture(scope="module", params=["pasta", "slirp4netns"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "pasta":
        return run(folder)
    return run(folder, hidden=str(shutil.which("pasta")))


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("limited")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY.format(name="www.world.example"))
    return run(folder, f"--policy={policy}")


def test_the_true_server_answers_and_both_sides_are_recorded(opened):
    assert opened.printed.startswith("hello from the world\n2\nhello from the world\n")
    assert '"GET /tls?marker=secret HTTP/2.0" 200' in opened.access
    assert '"GET /plain HTTP/1.1" 200' in opened.access
    hello = next(e for e in opened.of(Handshake) if e.sni == "www.world.example")
    assert (hello.outcome, hello.address) == ("intercepted", "198.51.100.7")
    said = [raw(e.data) for e in opened.of(Tls) if e.stream == hello.connection]
    assert any(b"hello from the world" in piece for piece in said)
    plain = [raw(e.data) for e in opened.of(Tcp) if e.port == 80 and e.direction == "in"]
    assert any(b"hello from the world" in piece for piece in plain)
    assert not opened.of(Lost)


def test_names_are_asked_of_the_true_resolver(opened):
    (answer,) = {
        e.answers for e in opened.of(Dns) if e.qname == "www.world.example" and e.qtype == "A"
    }
    assert answer == ("198.51.100.7",)


def test_a_server_whose_certificate_is_wrong_is_not_believed(opened):
    assert "\n502\n" in opened.printed
    assert "other.world.example" not in opened.access


def test_the_report_says_what_was_let_out(opened):
    assert opened.report["provenance"]["network"] == "open"


def test_this_machines_own_network_stays_as_it_is(opened):
    assert "default via" in opened.before
    assert "ip_forward" in opened.before
    assert set(opened.before.splitlines()) ^ set(opened.after.splitlines()) == set()


def test_a_policys_destinations_are_the_only_ones(opened, limited):
    assert '"GET /by-address HTTP/1.1" 200' in opened.access
    assert '"GET /tls?marker=secret HTTP/2.0" 200' in limited.access
    assert "by-address" not in limited.access
    assert any(e.address == "198.51.100.9" for e in limited.of(Tcp))
    assert not limited.of(Lost)


def test_other_names_are_not_even_asked_for(opened, limited):
    assert "other.world.example." in opened.asked
    assert set(limited.asked) == {"www.world.example."}
    refused = {e.rcode for e in limited.of(Dns) if e.qname == "other.world.example"}
    assert refused == {"REFUSED"}
    found = {(one["detector"], one["where"]) for one in limited.report["findings"]}
    assert any(name == "undeclared" and "other.world" in where for name, where in found)
