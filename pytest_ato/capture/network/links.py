"""Interfaces, addresses and routes inside the namespaces, by netlink.

Owns every rtnetlink message. pyroute2 takes a sixth of a second to import, so it is imported when
it is first used.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from pytest_ato.capture.network import plan
from pytest_ato.capture.network.namespaces import has_ipv6, inside

if TYPE_CHECKING:
    from pyroute2 import IPRoute

_LO = 1
_NODAD = 0x02
"""IFA_F_NODAD: the address is usable at once."""
_MAIN = 254
_ADDR_GEN_NONE = 1


def preload() -> None:
    """Import the library now rather than in the first audit."""
    import pyroute2  # noqa: F401


def loopback(namespace: int) -> None:
    """Bring up `lo` and nothing else."""
    from pyroute2 import IPRoute

    def run() -> None:
        with IPRoute() as ip:
            ip.link("set", index=_LO, state="up")

    inside(namespace, run)


def gateway(namespace: int, *, open: bool = False) -> None:
    """Make the gateway take every address of the world for its own.

    The route stands in the main table: there the more specific route to the target wins, while in
    the local table it would swallow the target's address too. An open gateway has a way out in the
    main table, and takes for its own what the rules have marked as a target's.
    """
    from pyroute2 import IPRoute

    def run() -> None:
        with IPRoute() as ip:
            ip.link("set", index=_LO, state="up")
            ip.addr("add", index=_LO, address=plan.GATEWAY4, prefixlen=32)
            table = plan.TABLE if open else _MAIN
            ip.route("add", dst="0.0.0.0/0", oif=_LO, type="local", scope="host", table=table)
            if open:
                ip.rule("add", table=table, fwmark=plan.MARK, priority=table)
            if has_ipv6():
                ip.route("add", dst="::/0", oif=_LO, type="local", table=table)
                if open:
                    family = socket.AF_INET6
                    ip.rule("add", table=table, fwmark=plan.MARK, priority=table, family=family)

    inside(namespace, run)


def join(gateway: int, target: int, name: str) -> None:
    """Connect a target's namespace to the gateway by a veth pair; `name` is the gateway's end."""
    from pyroute2 import IPRoute

    peer = {"ifname": plan.INTERFACE, "net_ns_fd": target}

    def gateway_end() -> None:
        with IPRoute() as ip:
            ip.link("add", ifname=name, kind="veth", peer=peer)
            index = socket.if_nametoindex(name)
            _up(ip, index)
            if has_ipv6():
                ip.addr("add", index=index, address=plan.GATEWAY6, prefixlen=64, flags=_NODAD)
                ip.route("replace", dst=f"{plan.TARGET6}/128", oif=index)
            # Replaced, not added: the link of the audit before may still be there for a moment.
            ip.route("replace", dst=f"{plan.TARGET4}/32", oif=index)

    def target_end() -> None:
        with IPRoute() as ip:
            ip.link("set", index=_LO, state="up")
            index = socket.if_nametoindex(plan.INTERFACE)
            _up(ip, index)
            ip.addr("add", index=index, address=plan.TARGET4, prefixlen=plan.PREFIX4)
            ip.route("add", dst="0.0.0.0/0", gateway=plan.GATEWAY4)
            if has_ipv6():
                ip.addr("add", index=index, address=plan.TARGET6, prefixlen=128, flags=_NODAD)
                ip.addr("add", index=index, address="fe80::17", prefixlen=64, flags=_NODAD)
                ip.route("add", dst="::/0", gateway=plan.GATEWAY6, oif=index)

    inside(gateway, gateway_end)
    inside(target, target_end)


def _up(ip: IPRoute, index: int) -> None:
    """Bring an interface up, without the IPv6 address that the kernel would add by itself.

    That one would be unusable for a second, and announced to everybody.
    """
    if has_ipv6():
        mode = {"attrs": [("IFLA_INET6_ADDR_GEN_MODE", _ADDR_GEN_NONE)]}
        ip.link("set", index=index, IFLA_AF_SPEC={"attrs": [("AF_INET6", mode)]})
    ip.link("set", index=index, state="up")
