"""Destinations and connections, seen in the target's own kernel."""

from __future__ import annotations

from typing import Literal

from pytest_ato.model.record import Measured, TaskEvent


class Connect(TaskEvent, tag="connect", frozen=True, kw_only=True):
    """A destination was named. `syscall`: the program's copy of the address, with the result;
    `kernel`: the cgroup hook's copy, after the kernel took it over."""

    source: Literal["syscall", "kernel"]
    family: Literal["inet", "inet6", "unix", "netlink", "packet", "other"]
    address: str
    """IP address in canonical text (an IPv4-mapped one as IPv4), or the path of a unix socket."""
    port: int = 0
    protocol: str = ""
    """tcp, udp, icmp, ... or empty."""
    result: int | None = None
    cookie: int = 0
    fd: int = -1


class Send(TaskEvent, tag="send", frozen=True, kw_only=True):
    """A send with an address (sendto, sendmsg, sendmmsg); `source` as in `Connect`."""

    source: Literal["syscall", "kernel"]
    family: Literal["inet", "inet6", "unix", "netlink", "packet", "other"]
    address: str
    port: int = 0
    protocol: str = ""
    size: int = 0
    result: int | None = None
    cookie: int = 0
    fd: int = -1
    count: Measured = 1


class Bind(TaskEvent, tag="bind", frozen=True, kw_only=True):
    """A socket got a local address."""

    family: Literal["inet", "inet6", "unix", "netlink", "packet", "other"]
    address: str
    port: int = 0
    result: int = 0
    cookie: int = 0
    fd: int = -1


class SocketState(TaskEvent, tag="socket", frozen=True, kw_only=True):
    """A TCP state change (``inet_sock_set_state``). `pid` is the owner only for `SYN_SENT` and
    `LISTEN`: later states run in whatever process the softirq interrupted."""

    cookie: int
    old: str
    new: str
    local: str
    local_port: int
    address: str
    port: int
