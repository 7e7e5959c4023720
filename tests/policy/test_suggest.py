"""A suggestion is a policy, whatever names the target chose, and covers what was seen."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.detectors.undeclared import Undeclared
from pytest_ato.model import events as ev
from pytest_ato.model.octets import octets
from pytest_ato.model.policy import Terms
from pytest_ato.model.spec import AuditSpec, Placed, Target
from pytest_ato.policy import decode
from pytest_ato.policy.observe import observe
from pytest_ato.policy.suggest import suggest

HOME = "/home/user"
PROGRAM = "/opt/app/app"
END = ev.End(
    ts=99,
    ended="exit",
    run_ms=3.0,
    counters={"critical": ev.Counters(), "bulk": ev.Counters()},
)


def write_log(path, *acts):
    spec = AuditSpec(
        run_id="r",
        target=Target(
            name="app\n# x",
            path="/srv/app",
            sha256="00" * 32,
            size=1,
            format="elf",
            placed=(Placed("/srv/app", PROGRAM),),
        ),
    )
    events = [
        ev.Audit(ts=1, spec=spec, started="2025-01-01T00:00:00Z", digest_key=b"k"),
        ev.Start(
            ts=2,
            kernel="6.18",
            loader="core",
            attach_ms=1.0,
            probes={"exec": "live"},
            init=99,
            uid=64000,
            home=HOME,
            program=PROGRAM,
        ),
        ev.Fork(ts=3, pid=99, child=100),
        ev.Exec(ts=4, pid=100, path=PROGRAM, file=PROGRAM, argv=("app",)),
        *acts,
        END,
    ]
    path.write_bytes(ev.encode_lines(events))
    return path


def opened(path, flags=os.O_WRONLY | os.O_CREAT):
    name = octets(path) if isinstance(path, bytes) else path
    return ev.Open(ts=5, pid=100, call="openat", path=name, file=name, flags=flags, result=3)


def asked(name):
    qname = octets(name) if isinstance(name, bytes) else name
    return ev.Dns(
        ts=6,
        client="192.0.2.2",
        server="192.0.2.53",
        transport="udp",
        qname=qname,
        qtype="A",
        rcode="NXDOMAIN",
    )


def rest(log, text):
    """Keys of what the suggestion does not cover."""
    terms: Terms = decode.loads(text)
    return [finding.key for finding in observe(log, (Undeclared,), terms).findings]


@pytest.mark.parametrize(
    "path",
    [
        f"{HOME}/plain",
        f"{HOME}/two words # no comment",
        f'{HOME}/"quoted": [x]',
        f"{HOME}/\u2028\x1b[31m",
        f"{HOME}/\U0001f600/größe",
        f"{HOME}/{'long' * 80}",
        f"{HOME}/cache/3f2a9c1b7d4e5f60/x",
        f"{HOME}/*",
        f"{HOME}/a/**",
        f"{HOME}/report-20250101123456.log",
        f"{HOME}/.cache/run-20250101123456.log",
        b"/home/user/\xff\xfe",
        "/srv/data/file",
    ],
)
def test_any_file_can_be_declared(tmp_path, path):
    log = write_log(tmp_path / "log", opened(path))
    text = suggest(observe(log))
    if path == f"{HOME}/*":  # would stand for the whole home
        assert "# cannot be declared" in text
        assert rest(log, text) != []
    else:
        assert rest(log, text) == []


def test_each_entry_has_what_was_seen(tmp_path):
    log = write_log(tmp_path / "log", opened(f"{HOME}/x"), asked("Updates.Vendor.example"))
    lines = suggest(observe(log)).splitlines()
    assert '    - "~/x"  # openat for writing by app' in lines
    assert '    - "updates.vendor.example"  # asked for updates.vendor.example' in lines
    assert "  children: []" in lines


def test_names_that_change_become_a_wildcard(tmp_path):
    log = write_log(tmp_path / "log", asked("a3f19c2b77e0.cdn.vendor.example"))
    assert '- "*.cdn.vendor.example"  # ' in suggest(observe(log))


@settings(max_examples=60, derandomize=True)
@given(
    st.lists(
        st.builds(asked, st.binary(min_size=1, max_size=30) | st.text(min_size=1, max_size=20))
        | st.builds(lambda name: opened(b"/srv/" + name), st.binary(max_size=30))
        | st.builds(lambda name: opened(f"{HOME}/{name}"), st.text(max_size=20)),
        max_size=6,
    )
)
def test_a_suggestion_is_always_a_policy(tmp_path_factory, acts):
    log = write_log(tmp_path_factory.getbasetemp() / "suggest.jsonl", *acts)
    text = suggest(observe(log))
    decode.loads(text)
    assert all(line.isprintable() for line in text.splitlines())
