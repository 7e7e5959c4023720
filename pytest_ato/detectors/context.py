"""What detectors know besides the event in their hands: the state that several of them share.

Owns the order in which shared state is updated; each part lives in its own file. The pipeline
makes the `updates` for an event before any detector sees it. Pure: the same events give the same
state, and memory is bounded whatever the target does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from pytest_ato.detectors.behaviour import OBSERVED, Behaviour
from pytest_ato.detectors.connections import Connections
from pytest_ato.detectors.declarations import Declarations
from pytest_ato.detectors.exchanges import Exchanges
from pytest_ato.detectors.names import Names
from pytest_ato.detectors.peers import Peers
from pytest_ato.detectors.processes import ProcessTable
from pytest_ato.detectors.reads import Reads
from pytest_ato.detectors.sightings import Sightings
from pytest_ato.detectors.sockets import Sockets
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.detectors.touches import Touches
from pytest_ato.detectors.traffic import Closed, Exchange, Payload, Stream
from pytest_ato.detectors.whereabouts import Whereabouts
from pytest_ato.model.events import (
    Audit,
    Bind,
    Connect,
    Datagram,
    Dns,
    Door,
    Enrichment,
    Exec,
    Exit,
    Fork,
    Handshake,
    Honeytoken,
    Open,
    Output,
    Planted,
    Send,
    SocketState,
    Start,
    Tcp,
    Tls,
    Touch,
)
from pytest_ato.model.policy import Terms
from pytest_ato.model.record import Event
from pytest_ato.model.spec import AuditSpec

Update: TypeAlias = Callable[..., None]
"""Takes an event of the class that it stands for, which a dict's type cannot say."""

_COMPARED: Final = frozenset({"declared", "deny", "baseline"})
"""Inputs that are compared with what the target did."""


class Context:
    """The audit so far."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        """What the user says it is judged by: policy, and what else is compared with."""
        self.thresholds: Mapping[str, Mapping[str, float]] = self.terms.policy.thresholds
        """By detector: what the policy sets in place of the usual values."""
        self.spec: AuditSpec | None = None
        self.start: Start | None = None
        self.processes = ProcessTable()
        self.names = Names()
        self.tokens = Tokens()
        self.sockets = Sockets(self.processes)
        self.peers = Peers(self.processes)
        self.touches = Touches(self.tokens, self.processes)
        self.reads = Reads(self.tokens, self.processes, self.touches)
        self.exchanges = Exchanges()
        self.connections = Connections(self.names, self.sockets, self.processes)
        self.sightings = Sightings(self.tokens, self.names, self.sockets, self.connections)
        self.whereabouts = Whereabouts(self.names, self.processes)
        processes, sockets, sightings = self.processes, self.sockets, self.sightings
        connections = self.connections
        self.updates: dict[type[Event], tuple[Update, ...]] = {
            Audit: (self._remember, self.tokens.update),
            Honeytoken: (self.tokens.update,),
            Planted: (self.tokens.update,),
            Start: (self._remember, self.tokens.update, processes.update),
            Fork: (processes.update, self.peers.update),
            Exec: (processes.update, self.peers.update),
            Exit: (processes.update,),
            Open: (self.reads.opened,),
            Touch: (self.touches.update,),
            Door: (self.peers.update, self.touches.update),
            Connect: (sockets.update, self.reads.connected, self.whereabouts.update),
            Send: (sockets.update, self.reads.connected, self.whereabouts.update),
            Enrichment: (self.whereabouts.update,),
            Bind: (sockets.update,),
            SocketState: (sockets.update,),
            Dns: (self.names.update, sightings.update),
            Tcp: (connections.update, sightings.update),
            Tls: (connections.update,),
            Handshake: (connections.update,),
            Datagram: (connections.update, sightings.update),
            Output: (sightings.update,),
            Stream: (sightings.update,),
            Payload: (sightings.update, self.exchanges.update),
            Exchange: (self.exchanges.update,),
            Closed: (sightings.update,),
        }
        """What the pipeline calls with an event of each class, in this order."""
        self.declarations = Declarations(self.terms.policy.declared, self.tokens)
        self.behaviour = Behaviour(processes, self.names, self.tokens, sockets)
        """What it did as normalised facts; kept only where the terms want it."""
        if self.terms.observe or self.terms.inputs & _COMPARED:
            for kind in OBSERVED:
                self.updates[kind] = (*self.updates.get(kind, ()), self.behaviour.update)

    @property
    def home(self) -> str:
        """The target's home directory in the sandbox; empty before the first record."""
        if self.start is not None:
            return self.start.home
        return self.spec.home if self.spec is not None else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what could not be searched, for the report's coverage."""
        short = self.sightings.cut_short
        if not short:
            return ()
        return (f"a limit on decoding left parts of {short} streams unsearched for honeytokens",)

    def finish(self) -> None:
        """Called after everything derived, before any detector's `finish`."""
        self.sightings.finish()

    def _remember(self, event: Event) -> None:
        if isinstance(event, Audit):
            self.spec = event.spec
        elif isinstance(event, Start):
            self.start = event
