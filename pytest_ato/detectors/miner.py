"""miner: the target works for a pool of coin miners.

Owns what tells a miner: the dialogue with a pool (Stratum, its Monero and Ethereum kin) on any
port, a pool's name, or a command line that names a pool as miners write it. A port alone says
nothing: 3333 and its like are anybody's.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.programs import base_name
from pytest_ato.detectors.traffic import Payload
from pytest_ato.model.events import Dns, Exec, Handshake
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import raw, show
from pytest_ato.model.record import Event

_STRATUM: Final = re.compile(
    rb'"method"\s*:\s*"(mining\.(?:subscribe|authorize|submit|configure|extranonce\.subscribe)|'
    rb'eth_submit(?:Login|Work|Hashrate)|eth_getWork)"'
)
"""Methods of Stratum (slushpool.com, 2012) and of the Ethereum proxies."""
_LOGIN: Final = re.compile(rb'"method"\s*:\s*"login"')
_LOGIN_FIELDS: Final = re.compile(rb'"(login|pass|agent|algo|rigid)"\s*:')
"""What the Monero dialect's login carries (xmrig): at least three of them, none of which an
application's own login has in this company."""
_LOGIN_LEAST: Final = 3
_ARGUMENT: Final = re.compile(
    rb"stratum\d?\+(?:tcp|ssl|tls|udp|http)s?://|--(?:donate-level|randomx-\w+|nicehash)\b"
)
_POOLS: Final = frozenset(
    """
    supportxmr.com nanopool.org minexmr.com 2miners.com nicehash.com f2pool.com ethermine.org
    moneroocean.stream hashvault.pro c3pool.com herominers.com unmineable.com antpool.com
    viabtc.com slushpool.com braiins.com poolin.com minergate.com crypto-pool.fr monerohash.com
    xmrpool.eu xmrpool.net flypool.org zpool.ca prohashing.com miningpoolhub.com woolypooly.com
    kryptex.network hashcity.org p2pool.io dwarfpool.com
    """.split()
)
_PROGRAMS: Final = frozenset(
    """
    xmrig xmr-stak cpuminer minerd cgminer bfgminer ethminer nbminer t-rex lolminer phoenixminer
    ccminer gminer teamredminer srbminer srbminer-multi nheqminer xmrigdaemon
    """.split()
)
_TAIL: Final = 512
_MAX_PARTS: Final = 1024


class Miner(Detector):
    """One finding for each pool, and for each program that says of itself that it mines."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EXE-030",
        name="miner",
        category=Category.EXECUTION,
        severity=Severity.HIGH,
        title="The target mines coins for a pool",
        technique="T1496",
        fires="a dialogue of Stratum or its kin goes out on any port, a mining pool's name is "
        "asked for or named in a handshake, a miner's program or a stratum+tcp:// argument is "
        "executed",
        silent="an application's own JSON-RPC (its `login` included), a connection to port 3333",
        wants=(Payload, Dns, Handshake, Exec),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._tails: OrderedDict[int, bytes] = OrderedDict()
        self._spoken: set[int] = set()

    def process(self, event: Event) -> Iterable[Finding]:
        """Report what is certain by itself."""
        match event:
            case Payload():
                return self._payload(event)
            case Dns():
                owner = self.context.sockets.owner(event.client_port, event.server, 53)
                return self._name(event, printable_name(event.qname), owner)
            case Handshake(sni=sni) if sni:
                owner = self.context.sockets.owner(event.client_port, event.address, event.port)
                return self._name(event, printable_name(sni), owner)
            case Exec():
                return self._exec(event)
        return ()

    def _payload(self, event: Payload) -> Iterable[Finding]:
        if event.part in self._spoken:
            return
        text = self._tails.pop(event.part, b"") + event.data
        word = _stratum(text)
        if not word:
            self._tails[event.part] = text[-_TAIL:]
            if len(self._tails) > _MAX_PARTS:
                self._tails.popitem(last=False)
            return
        if len(self._spoken) < _MAX_PARTS:
            self._spoken.add(event.part)
        yield self._report(
            event, event.destination, f"{word} to {event.destination}", event.process
        )

    def _name(self, event: Event, name: str, process: ProcessState | None) -> Iterable[Finding]:
        labels = name.split(".")
        for start in range(len(labels) - 1):
            pool = ".".join(labels[start:])
            if pool in _POOLS:
                yield self._report(event, pool, f"{name}, a pool of miners", process)
                return

    def _exec(self, event: Exec) -> Iterable[Finding]:
        name = base_name(event.path).lower()
        words = (raw(word) for word in event.argv[1:])
        argument = next((word for word in words if _ARGUMENT.search(word)), b"")
        if name in _PROGRAMS or argument:
            shown = show(base_name(event.path), 40)
            text = f"{shown} {show(argument.decode('utf-8', 'backslashreplace'), 120)}".strip()
            process = self.context.processes.get(event.pid)
            yield self._report(event, shown, f"executed: {text}", process)

    def _report(self, event: Event, where: str, text: str, process: ProcessState | None) -> Finding:
        by = process.label if process else "the target"
        return self.finding(
            key=where,
            title=f"{by} mines coins ({where})",
            evidence=(Evidence(ts=event.ts, text=text, pid=process.pid if process else 0),),
            where=where,
            process=process,
        )


def _stratum(text: bytes) -> str:
    """The method of a mining dialogue in `text`, or empty."""
    match = _STRATUM.search(text)
    if match:
        return match.group(1).decode()
    login = _LOGIN.search(text)
    if login:
        fields = set(
            _LOGIN_FIELDS.findall(text[max(0, login.start() - _TAIL) : login.end() + 2048])
        )
        if len(fields) >= _LOGIN_LEAST:
            return "login of a mining dialogue"
    return ""
