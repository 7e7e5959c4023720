"""The network namespace that one target runs in.

Owns its descriptor; the namespace goes with the descriptor and the last process in it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pytest_ato.capture.network import links, namespaces, plan
from pytest_ato.model.closing import Closing


class TargetNetwork(Closing):
    """One audit's network as its target sees it; close it when the audit is over."""

    def __init__(self, netns: int, addresses: tuple[str, ...] = (), resolver: str = "") -> None:
        self.netns = netns
        """Descriptor of the namespace."""
        self.inode = namespaces.inode(netns)
        """`st_ino` of the namespace, as the kernel's probes see it."""
        self.addresses = addresses
        """The target's own, loopback left out."""
        self.resolver = resolver
        """Where DNS questions are answered (as everywhere else); empty: nowhere."""

    def close(self) -> None:
        """Give the namespace up."""
        if self.netns >= 0:
            os.close(self.netns)
            self.netns = -1


def isolated() -> TargetNetwork:
    """Return a network with a loopback interface and no way out; raises `CaptureUnavailable`."""
    netns = namespaces.make()
    links.loopback(netns)
    return TargetNetwork(netns)


def joined(gateway: int, link: str) -> TargetNetwork:
    """Return a network that ends in the gateway; `link` names the gateway's end."""
    netns = namespaces.make()
    try:
        links.join(gateway, netns, link)
    except BaseException:
        os.close(netns)
        raise
    namespaces.inside(netns, _allow_ping)
    addresses = (plan.TARGET4, plan.TARGET6) if namespaces.has_ipv6() else (plan.TARGET4,)
    return TargetNetwork(netns, addresses, plan.GATEWAY4)


def _allow_ping() -> None:
    """Let every user open ping sockets, as distributions do; a new namespace lets nobody.

    Where /proc/sys is read-only (in a container) the target's ping fails, as it would there.
    """
    with suppress(OSError):
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
