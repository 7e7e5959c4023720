"""A live audit: a target runs once under capture, and what capture sees becomes a report.

Owns the sequence: mint, order, read, examine, write. Each step is somebody else's.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pytest_ato import __version__
from pytest_ato.audit.order import Inputs, Options
from pytest_ato.audit.outcome import Outcome, conclude
from pytest_ato.detectors import registry
from pytest_ato.detectors.interface import Detector
from pytest_ato.evidence.seal import Sealer
from pytest_ato.examination import Examination
from pytest_ato.honeytokens.match import Matcher
from pytest_ato.honeytokens.mint import Minted, mint
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import SigningError
from pytest_ato.model.events import Audit, Lost, Signing, decode, decode_lines
from pytest_ato.model.policy import Terms
from pytest_ato.model.record import Event
from pytest_ato.model.spec import HOME, AuditSpec, Target
from pytest_ato.reports.directory import ReportDirectory
from pytest_ato.reports.registry import warm
from pytest_ato.runtime import choose
from pytest_ato.runtime.interface import Runtime


class Auditor(Closing):
    """A session of audits: its capture process starts with the first one and serves all."""

    def __init__(
        self,
        *,
        report_dir: Path,
        runtime: str | Runtime = "auto",
        loader: str = "auto",
        image: str = "",
        extra_detectors: Sequence[type[Detector]] = (),
        sealer: Sealer | None = None,
        progress: Callable[[str], None] | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        """`runtime`: one by name, which gets `loader` and `image`, or one of the caller's own.
        `sealer` signs what is audited; None: nothing is signed."""
        self._inputs = inputs or Inputs()
        self._report_dir = report_dir
        self._detectors = registry.load(extra_detectors)
        self._sealer = sealer
        self._progress = progress or (lambda _: None)
        chosen = choose(runtime, loader, image) if isinstance(runtime, str) else runtime
        chosen.progress = self._progress
        self.runtime = chosen
        """What captures; who wants to hear of its start alone sets its `progress`."""

    def audit(self, target: Target, options: Options, *, directory: str | None = None) -> Outcome:
        """Run `target` once under capture and report; `directory` is its name in the report dir.

        Raises UsageError or CaptureUnavailable when it cannot be run at all. A capture that was
        not whole raises nothing: the outcome's verdict is INCONCLUSIVE.
        """
        with ReportDirectory(self._report_dir, directory or target.name) as place:
            self._progress(f"{target.name}: starting capture")
            self.runtime.start()
            started = datetime.now(UTC)
            minted = mint(now=started)  # while capture loads its probes
            spec = _spec(target, options, minted, self.runtime, self._inputs.terms)
            examination = Examination(
                self._detectors, place.append, self.runtime.clock, self._inputs.terms
            )
            signing = self._signing()
            now = self.runtime.clock()
            for event in (*_opening(now, spec, minted, started, options.unmask), *signing):
                examination.take(event)
            sealer = None if any(each.problem for each in signing) else self._sealer
            self._progress(f"{target.name}: running, for {options.timeout:g} s at most")
            with _warmed(minted):
                try:
                    self._follow(spec, examination)
                except KeyboardInterrupt:
                    self.runtime.close()
                    _lose(examination, "caller", "the audit was interrupted")
                    conclude(examination, place, sealer)  # what was seen is kept: INCONCLUSIVE
                    raise
                except BaseException:
                    self.runtime.close()  # or the next audit would be told the rest of this one
                    raise
                if enricher := self._inputs.enricher(spec.network):
                    self._progress(f"{target.name}: asking where its destinations are")
                    examination.enrich(enricher)
                self._progress(f"{target.name}: writing the report")
                return conclude(examination, place, sealer)

    def _signing(self) -> tuple[Signing, ...]:
        """Say who will sign; a key that cannot be reached leaves the audit unsigned."""
        if self._sealer is None:
            return ()
        now, signer = self.runtime.clock(), self._sealer.signer
        try:
            signer.prepare()
        except SigningError as error:
            return (Signing(ts=now, problem=str(error)),)
        text = "; ".join(filter(None, (signer.description, signer.caveat)))
        return (Signing(ts=now, signer=text, key=signer.public.id),)

    def _follow(self, spec: AuditSpec, examination: Examination) -> None:
        """Take what capture sees until its `end` record; without one, say so in the log."""
        for lines in self.runtime.audit(spec):
            try:
                events = decode_lines(lines)
            except msgspec.DecodeError:
                _take_each(lines, examination)
            else:
                examination.take_all(events, lines)
            if examination.ended:
                return
        words = self.runtime.last_words()
        self.runtime.close()
        _lose(examination, "capture", f"capture ended early: {words or 'it said nothing'}")

    def close(self) -> None:
        """End the capture process and let go of the key; may be called twice."""
        self.runtime.close()
        if self._sealer is not None:
            self._sealer.close()


def _spec(
    target: Target, options: Options, minted: Minted, runtime: Runtime, terms: Terms
) -> AuditSpec:
    return AuditSpec(
        run_id=secrets.token_hex(16),
        target=target,
        args=options.args,
        env={**minted.env, **options.env},
        stdin=options.stdin,
        timeout=options.timeout,
        network=options.network,
        egress=terms.egress if options.network == "open" else None,
        limits=options.limits,
        plants=minted.plants,
        home=target.image.home if target.image else HOME,
        service=options.service,
        expect_exit=options.expect_exit,
        allow=options.allow,
        runtime=runtime.name,
        privilege=runtime.privilege,
    )


def _opening(
    now: int, spec: AuditSpec, minted: Minted, started: datetime, unmask: bool
) -> Iterator[Event]:
    """The records that only this side knows."""
    yield Audit(
        ts=now,
        spec=spec,
        started=started.isoformat(timespec="milliseconds"),
        digest_key=secrets.token_bytes(32),
        tool_version=__version__,
        unmask=unmask,
    )
    yield from minted.honeytokens


def _take_each(lines: bytes, examination: Examination) -> None:
    """Take those of some lines that are records."""
    for line in lines.split(b"\n"):
        try:
            event = decode(line)
        except msgspec.DecodeError:
            _lose(examination, "capture", "a record of capture could not be read")
        else:
            examination.take(event, line)


@contextmanager
def _warmed(minted: Minted) -> Iterator[None]:
    """Load and make what the report will need, while the target runs.

    No import goes on when the audit has ended: who comes next may look at what is imported.
    """

    def warm_up() -> None:
        warm()
        Matcher.of(minted.honeytokens)

    thread = threading.Thread(target=warm_up, name="ato-warm", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _lose(examination: Examination, source: str, reason: str) -> None:
    examination.take(Lost(ts=examination.now(), source=source, reason=reason))
