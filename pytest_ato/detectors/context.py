"""What detectors know besides the event in their hands: the state that several of them share.

Owns the order in which shared state is updated; each part lives in its own file. The pipeline
makes the `updates` for an event before any detector sees it. Pure: the same events give the same
state, and memory is bounded whatever the target does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pytest_ato.detectors.names import Names
from pytest_ato.detectors.processes import ProcessTable
from pytest_ato.model.events import Audit, Dns, Exec, Exit, Fork, Start
from pytest_ato.model.record import Event
from pytest_ato.model.spec import AuditSpec

Update: TypeAlias = Callable[[Event], None]


class Context:
    """The audit so far."""

    def __init__(self) -> None:
        self.spec: AuditSpec | None = None
        self.start: Start | None = None
        self.processes = ProcessTable()
        self.names = Names()

        self.updates: dict[type[Event], tuple[Update, ...]] = {
            Audit: (self._remember,),
            Start: (self._remember, self.processes.update),
            Fork: (self.processes.update,),
            Exec: (self.processes.update,),
            Exit: (self.processes.update,),
            Dns: (self.names.update,),
        }
        """What the pipeline calls with an event of each class, in this order."""

    def _remember(self, event: Event) -> None:
        if isinstance(event, Audit):
            self.spec = event.spec
        elif isinstance(event, Start):
            self.start = event
