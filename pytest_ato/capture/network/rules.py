"""The gateway's packet filter.

Owns the nftables rules and their loading. Every TCP connection, of any address and port, comes to
the sinkhole's listeners by TPROXY: no address is rewritten, so no connection table can overflow,
and the accepted socket itself has the address that the target named. Loopback is the gateway's own,
between the sinkhole and the TLS proxy; nothing from a target comes there. DNS over UDP reaches
port 53 of any address without a rule; pings are answered by the kernel; other packets are dropped
after the packet socket has seen them. Nothing is forwarded.
"""

from __future__ import annotations

import shutil
import subprocess

from pytest_ato.capture.network import plan
from pytest_ato.capture.network.namespaces import path
from pytest_ato.model.errors import CaptureUnavailable

_TIMEOUT = 30

# A newline stands before each closing brace: nft's grammar wants it.
RULES = f"""
table inet gateway {{
    chain prerouting {{
        type filter hook prerouting priority mangle; policy accept;
        iif lo accept
        meta nfproto ipv4 meta l4proto tcp tproxy ip to :{plan.TCP_PORT}
        meta nfproto ipv6 meta l4proto tcp tproxy ip6 to :{plan.TCP_PORT}
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        meta l4proto tcp accept
        udp dport {plan.DNS_PORT} accept
        icmp type echo-request accept
        icmpv6 type {{ echo-request, nd-neighbor-solicit, nd-neighbor-advert }} accept
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
    }}
}}
"""


def load(gateway: int) -> None:
    """Load the rules in the gateway's namespace; raises `CaptureUnavailable`."""
    nft = program("nft", "nftables")
    command = [*enter(gateway), nft, "-f", "-"]
    try:
        done = subprocess.run(
            command, input=RULES, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CaptureUnavailable(f"cannot run nft: {error}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
        raise CaptureUnavailable(
            f"nftables refused the gateway's rules ({reason}); the kernel needs nft_tproxy"
        )


def enter(namespace: int) -> list[str]:
    """Return the beginning of a command line that runs the rest inside the namespace."""
    return [program("nsenter", "util-linux"), f"--net={path(namespace)}"]


def program(name: str, package: str) -> str:
    """Return a program's path; raises `CaptureUnavailable` with the package to install."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin")
    if found is None:
        known = {"nft": "nftables", "bwrap": "bubblewrap"}.get(name, name)
        raise CaptureUnavailable(f"{known} is not installed: apt-get install {package}")
    return found
