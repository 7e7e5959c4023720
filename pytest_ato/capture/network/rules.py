"""The gateway's packet filter.

Owns the nftables rules and their loading. Every TCP connection, of any address and port, comes to
the sinkhole's listeners by TPROXY: no address is rewritten, so no connection table can overflow,
and the accepted socket itself has the address that the target named. Loopback is the gateway's own,
between the sinkhole and the TLS proxy; nothing from a target comes there. DNS over UDP reaches
port 53 of any address without a rule; pings are answered by the kernel; other packets are dropped
after the packet socket has seen them. Nothing is forwarded. An open gateway has a way out, for its
own processes: TCP to the destinations that are allowed, and questions to the resolver.
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

OPEN_RULES = f"""
table inet gateway {{
    set allowed4 {{
        type ipv4_addr; flags interval; auto-merge;
    }}
    set allowed6 {{
        type ipv6_addr; flags interval; auto-merge;
    }}
    chain prerouting {{
        type filter hook prerouting priority mangle; policy accept;
        iif lo accept
        iifname {plan.UPLINK} accept
        meta mark set {plan.MARK}
        meta nfproto ipv4 meta l4proto tcp tproxy ip to :{plan.TCP_PORT}
        meta nfproto ipv6 meta l4proto tcp tproxy ip6 to :{plan.TCP_PORT}
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        iif lo accept
        iifname {plan.UPLINK} tcp flags & (syn | ack) == syn drop
        iifname {plan.UPLINK} udp sport != {plan.DNS_PORT} drop
        meta l4proto tcp accept
        iifname {plan.UPLINK} meta l4proto udp accept
        udp dport {plan.DNS_PORT} accept
        icmp type destination-unreachable accept
        icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept
    }}
    chain output {{
        type filter hook output priority filter; policy accept;
        oifname != {plan.UPLINK} accept
        ip daddr {plan.RESOLVER4} meta l4proto {{ tcp, udp }} th dport {plan.DNS_PORT} accept
        meta l4proto tcp ip daddr @allowed4 accept
        meta l4proto tcp ip6 daddr @allowed6 accept
        meta l4proto tcp reject with tcp reset
        drop
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
    }}
}}
"""


def load(gateway: int, *, open: bool = False) -> None:
    """Load the rules in the gateway's namespace; raises `CaptureUnavailable`."""
    nft = program("nft", "nftables")
    command = [*enter(gateway), nft, "-f", "-"]
    try:
        done = subprocess.run(
            command,
            input=OPEN_RULES if open else RULES,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
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
