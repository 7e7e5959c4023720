"""Detectors of what a target runs, leaves and calls get any log whatever without breaking."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.detectors.beaconing import Beaconing
from pytest_ato.detectors.dns_tunnel import DnsTunnel
from pytest_ato.detectors.dropped_executable import DroppedExecutable
from pytest_ato.detectors.fileless_exec import FilelessExec
from pytest_ato.detectors.persistence import Persistence
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.detectors.reverse_shell import ReverseShell
from pytest_ato.model import events as ev
from pytest_ato.model.octets import octets

DETECTORS = (
    Beaconing,
    DnsTunnel,
    DroppedExecutable,
    FilelessExec,
    Persistence,
    ReverseShell,
)

pids = st.integers(0, 5)
times = st.integers(0, 2**62)
results = st.sampled_from([0, 3, -1, -2, -13, -30, -115, 2**63 - 1])
inodes = st.integers(0, 3)
names = st.binary(max_size=60).map(octets) | st.sampled_from(
    [
        *("", "/", "//", "..", "/tmp/a", "a", "/dev/fd/3", "/proc/self/fd/3", "/memfd:x"),
        *("/dev/shm/x", "/home/user/.bashrc", "/etc/cron.d/x", "/usr/bin/bash", "x.pth"),
    ]
)
files = st.none() | names
addresses = st.sampled_from(["203.0.113.9", "2001:db8::1", "127.0.0.1", "", "/run/x", "nonsense"])
ports = st.sampled_from([0, 53, 80, 65535])
kinds = st.sampled_from(["tcp", "udp", "pipe", ""])
families = st.sampled_from(["inet", "inet6", "unix", "other"])
sources = st.sampled_from(["syscall", "kernel"])
cookies = st.integers(0, 3)
states = st.sampled_from(["CLOSE", "SYN_SENT", "ESTABLISHED", "LISTEN", ""])

events = st.one_of(
    st.builds(ev.Fork, ts=times, pid=pids, child=pids),
    st.builds(ev.Exit, ts=times, pid=pids),
    st.builds(
        ev.Exec,
        ts=times,
        pid=pids,
        path=names,
        file=names,
        argv=st.lists(names, max_size=4).map(tuple),
        ppid=pids,
        inode=inodes,
        links=st.integers(0, 2),
        stdio=st.tuples(kinds, kinds, kinds),
    ),
    st.builds(
        ev.Open,
        ts=times,
        pid=pids,
        call=st.just("open"),
        path=names,
        file=files,
        result=results,
        flags=st.integers(0, 2**32 - 1),
        inode=inodes,
    ),
    st.builds(
        ev.Rename,
        ts=times,
        pid=pids,
        call=st.just("rename"),
        path=names,
        file=files,
        to=names,
        to_file=files,
        result=results,
    ),
    st.builds(
        ev.Link,
        ts=times,
        pid=pids,
        call=st.just("link"),
        path=names,
        file=files,
        to=names,
        to_file=files,
        result=results,
        symbolic=st.booleans(),
    ),
    st.builds(
        ev.Unlink,
        ts=times,
        pid=pids,
        call=st.just("unlink"),
        path=names,
        file=files,
        result=results,
    ),
    st.builds(
        ev.Map,
        ts=times,
        pid=pids,
        call=st.just("mmap"),
        prot=st.integers(0, 7),
        flags=st.integers(0, 3),
        file=files,
        inode=inodes,
        links=st.integers(0, 1),
        result=results,
    ),
    st.builds(ev.Memfd, ts=times, pid=pids, name=names, result=results),
    st.builds(
        ev.Connect,
        ts=times,
        pid=pids,
        source=sources,
        family=families,
        address=addresses,
        port=ports,
        protocol=kinds,
        result=st.none() | results,
        cookie=cookies,
    ),
    st.builds(
        ev.Send,
        ts=times,
        pid=pids,
        source=sources,
        family=families,
        address=addresses,
        port=ports,
        protocol=kinds,
        size=st.integers(0, 2**32),
        cookie=cookies,
    ),
    st.builds(
        ev.SocketState,
        ts=times,
        pid=pids,
        cookie=cookies,
        old=states,
        new=states,
        local=addresses,
        local_port=ports,
        address=addresses,
        port=ports,
    ),
    st.builds(
        ev.Dns,
        ts=times,
        client=addresses,
        server=addresses,
        transport=st.just("udp"),
        qname=names | st.text(max_size=300),
        qtype=st.sampled_from(["A", "TXT", "NULL", "", "odd"]),
        rcode=st.just("NOERROR"),
        answers=st.lists(addresses, max_size=2).map(tuple),
    ),
    st.builds(
        ev.Tcp,
        ts=times,
        connection=st.integers(0, 2),
        client=addresses,
        client_port=ports,
        address=addresses,
        port=ports,
        direction=st.sampled_from(["in", "out"]),
        data=names,
        closed=st.booleans(),
        sent=st.integers(0, 2**40),
        received=st.integers(0, 2**40),
    ),
    st.builds(
        ev.Datagram,
        ts=times,
        protocol=kinds,
        client=addresses,
        address=addresses,
        port=ports,
        size=st.integers(0, 65535),
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(events, max_size=40))
def test_no_detector_breaks_and_titles_stay_printable(log: list[ev.Event]) -> None:
    pipeline = Pipeline(DETECTORS)
    for event in log:
        pipeline.feed(event)
    pipeline.finish()
    assert pipeline.failures == ()
    for finding in pipeline.findings:
        assert finding.title.isprintable()
        assert finding.key.isprintable()
        assert len(finding.key) < 600
        assert ev.decode(ev.encode(finding)) == finding
