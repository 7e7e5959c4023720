"""Any log whatever breaks no detector, and what they say of it is safe to print."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.detectors import registry
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model import events as ev
from pytest_ato.model.octets import octets

DETECTORS = registry.load()

pids = st.integers(0, 5)
times = st.integers(0, 2**62)
results = st.sampled_from([0, 3, -1, -2, -3, -13, -14, -30, -115, -4095, 2**63 - 1, -(2**63)])
flags = st.sampled_from([0, 1, 2, 0o1000, 0o1001, 0o200000, 2**32 - 1])
inodes = st.integers(0, 3)
names = st.binary(max_size=60).map(octets) | st.sampled_from(
    [
        *("", "/", "//", "/tmp/a.so", "/proc", "/proc/1/environ", "/proc/3/mem"),
        *("/proc/self/mem", "/proc/1/root/x", "/proc/2/task/3/maps", "/proc/sys/kernel/x"),
        *("/home/user/.netrc", "/home/user/.bash_history", "/var/log/wtmp", "/sys/fs/bpf"),
        *("..", "a", "/dev/fd/3", "/proc/self/fd/3", "/memfd:x", "/dev/shm/x", "x.pth"),
        *("/home/user/.bashrc", "/etc/cron.d/x", "/usr/bin/bash"),
        *("/etc/ld.so.preload", "/dev/sda", "/.dockerenv", "/sys/class/dmi/id/x", "/usr/bin/ls"),
    ]
)
files = st.none() | names
texts = st.text(max_size=40) | st.sampled_from(
    ["/run/docker.sock", "docker.sock", "203.0.113.9", "2001:db8::1", "127.0.0.1", "::", ""]
)
doors = st.text(max_size=20) | st.sampled_from(
    [
        *("ptrace", "io_uring", "io_uring_setup", "socket", "unshare", "clone", "bpf", "setns"),
        *("int80", "open_by_handle_at", "process_vm_readv", "process_vm_writev", "mount"),
        *("pidfd_open", "pidfd_getfd", "init_module", "pass_descriptor"),
    ]
)
details = st.text(max_size=40) | st.sampled_from(
    [
        *("PTRACE_ATTACH", "PTRACE_TRACEME", "PTRACE_POKETEXT", "OPENAT", "CONNECT", "NOP"),
        *("CLONE_NEWUSER|CLONE_NEWNET", "AF_PACKET SOCK_RAW", "AF_INET SOCK_RAW"),
    ]
)
kinds = st.sampled_from(["tcp", "udp", "icmp", "pipe", ""])
states = st.sampled_from(["CLOSE", "SYN_SENT", "ESTABLISHED", "LISTEN", ""])
ports = st.sampled_from([0, 53, 80, 443, 65535])
families = st.sampled_from(["inet", "inet6", "unix", "other"])
sources = st.sampled_from(["syscall", "kernel"])

common = {"ts": times, "pid": pids}
on_file = {**common, "path": names, "file": files, "result": results, "changed": st.booleans()}
address = {
    **common,
    "tid": st.integers(0, 1),
    "source": sources,
    "family": families,
    "address": texts,
    "port": ports,
    "protocol": kinds,
    "result": st.none() | results,
    "cookie": st.integers(0, 2),
}
events = st.one_of(
    st.builds(ev.Fork, **common, child=pids, inner=pids),
    st.builds(ev.Exit, **common),
    st.builds(
        ev.Exec,
        **common,
        path=names,
        file=names,
        argv=st.lists(names, max_size=3).map(tuple),
        ppid=pids,
        inner=pids,
        inode=inodes,
        links=st.integers(0, 2),
        stdio=st.tuples(kinds, kinds, kinds),
    ),
    st.builds(ev.Open, **on_file, call=st.just("open"), flags=flags, inode=inodes),
    st.builds(ev.Unlink, **on_file, call=st.just("unlink")),
    st.builds(ev.Truncate, **on_file, call=st.just("truncate")),
    st.builds(ev.Rename, **on_file, call=st.just("rename"), to=names, to_file=files),
    st.builds(
        ev.Link,
        **on_file,
        call=st.just("link"),
        to=names,
        to_file=files,
        symbolic=st.booleans(),
    ),
    st.builds(
        ev.Map,
        **common,
        call=st.just("mmap"),
        prot=st.integers(0, 7),
        flags=st.integers(0, 3),
        file=files,
        inode=inodes,
        links=st.integers(0, 1),
        result=results,
    ),
    st.builds(ev.Memfd, **common, name=names, result=results),
    st.builds(ev.Connect, **address),
    st.builds(ev.Send, **address, size=st.integers(0, 2**32)),
    st.builds(
        ev.SocketState,
        **common,
        cookie=st.integers(0, 2),
        old=states,
        new=states,
        local=texts,
        local_port=ports,
        address=texts,
        port=ports,
    ),
    st.builds(ev.Bind, **common, family=families, address=texts),
    st.builds(
        ev.Door,
        **common,
        name=doors,
        detail=details,
        aim=st.integers(0, 5),
        file=files,
        inode=inodes,
        address=texts,
        port=ports,
        result=results,
    ),
    st.builds(
        ev.Touch,
        **common,
        dev=st.just(0),
        inode=inodes,
        path=st.text(max_size=10),
        access=st.lists(st.sampled_from(["open", "read", "write", "close"])).map(tuple),
    ),
    st.builds(
        ev.Planted, ts=times, path=st.just("/home/user/.netrc"), dev=st.just(0), inode=inodes
    ),
    st.just(
        ev.Honeytoken(ts=0, name="netrc", family="netrc", path=".netrc", markers={"m": "x" * 40})
    ),
    st.builds(
        ev.Start,
        ts=times,
        kernel=st.just("6"),
        loader=st.just("core"),
        attach_ms=st.just(1.0),
        probes=st.just({}),
        init=pids,
        uid=st.just(1),
        home=st.just("/home/user"),
        program=st.just("/opt/x"),
    ),
    st.builds(ev.End, ts=times, ended=st.sampled_from(["exit", "timeout"])),
    st.builds(
        ev.Dns,
        ts=times,
        client=texts,
        server=texts,
        transport=st.just("udp"),
        qname=names | st.text(max_size=300),
        qtype=st.sampled_from(["A", "TXT", "NULL", "", "odd"]),
        rcode=st.just("NOERROR"),
        answers=st.lists(texts, max_size=2).map(tuple),
    ),
    st.builds(
        ev.Tcp,
        ts=times,
        connection=st.integers(0, 2),
        client=texts,
        client_port=ports,
        address=texts,
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
        client=texts,
        address=texts,
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
