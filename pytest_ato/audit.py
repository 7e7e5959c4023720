"""One audit from order to report, and its replay: what every face calls, and nothing else.

Owns the sequence: mint, order, read, examine, write. Each step is somebody else's.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from pytest_ato import __version__
from pytest_ato.detectors import registry
from pytest_ato.detectors.interface import Detector
from pytest_ato.enrich.choice import Sources
from pytest_ato.enrich.interface import Enricher
from pytest_ato.eventlog import read_log
from pytest_ato.evidence.seal import Sealer
from pytest_ato.examination import Examination, Examined
from pytest_ato.honeytokens.match import Matcher
from pytest_ato.honeytokens.mint import Minted, mint
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import SigningError, UsageError
from pytest_ato.model.events import AnyEvent, Audit, End, Enrichment, Lost, Signing, decode
from pytest_ato.model.octets import Octets, show
from pytest_ato.model.policy import Terms
from pytest_ato.model.record import Event
from pytest_ato.model.report import Report
from pytest_ato.model.spec import AuditSpec, Limits, Network, Target
from pytest_ato.policy import baseline
from pytest_ato.policy.observe import observe
from pytest_ato.policy.verdict import Judgement, judge
from pytest_ato.reports.build import masked
from pytest_ato.reports.directory import ReportDirectory
from pytest_ato.reports.registry import EVENTS, warm
from pytest_ato.runtime import choose
from pytest_ato.runtime.interface import Runtime


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to audit: what a face was told, beyond the target itself."""

    args: tuple[Octets, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    timeout: float = 60.0
    network: Network = "sinkhole"
    limits: Limits = field(default_factory=Limits)
    service: bool = False
    expect_exit: int = 0
    allow: tuple[str, ...] = ()
    unmask: bool = False
    """Reports show secrets in clear."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What audits are judged by beyond their events, and whom to ask about destinations."""

    terms: Terms = field(default_factory=Terms)
    sources: Sources = field(default_factory=Sources)

    @classmethod
    def recorded(cls, terms: Terms) -> Inputs:
        """Those of a log whose own answers about destinations are enough."""
        return cls(terms=terms, sources=Sources("off"))

    def enricher(self, network: str) -> Enricher | None:
        """Whom to ask after an audit in `network`; None: nobody."""
        return self.sources.enricher(network, self.terms.inputs)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one audit came to."""

    directory: Path
    """Where its files lie."""
    examined: Examined

    @property
    def report(self) -> Report:
        """The report, masked and printable."""
        return self.examined.report

    @property
    def unsigned(self) -> str:
        """Why it is not signed although it should be; empty: it is, or nobody wanted it."""
        signing = self.examined.facts.signing
        return signing.problem if signing else ""

    @property
    def stdout(self) -> bytes:
        """The first bytes that the target wrote to it, as far as its limit keeps them."""
        return self.examined.stdout

    @property
    def stderr(self) -> bytes:
        """The first bytes that the target wrote to it, as far as its limit keeps them."""
        return self.examined.stderr

    @property
    def returncode(self) -> int | None:
        """Exit status, or minus the signal; None: the target did not end by itself."""
        return self.examined.returncode

    def events(self) -> Iterator[AnyEvent]:
        """Everything that was captured, in the order of the log."""
        return read_log(self.directory / EVENTS)

    def judged(self, allow: Iterable[str]) -> Judgement:
        """The same audit, judged with `allow` (detectors or categories) accepted as well; masked
        and printable."""
        examined = self.examined
        accepted = {name: f"allowed by name: {name}" for name in allow}
        judgement = judge(
            examined.findings,
            examined.facts,
            failures=examined.failures,
            accepted=accepted,
            policy=examined.terms.policy,
        )
        return masked(judgement, examined.facts)


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
        self._runtime = chosen

    def audit(self, target: Target, options: Options, *, directory: str | None = None) -> Outcome:
        """Run `target` once under capture and report; `directory` is its name in the report dir.

        Raises UsageError or CaptureUnavailable when it cannot be run at all. A capture that was
        not whole raises nothing: the outcome's verdict is INCONCLUSIVE.
        """
        with ReportDirectory(self._report_dir, directory or target.name) as place:
            self._progress(f"{target.name}: starting capture")
            self._runtime.start()
            started = datetime.now(UTC)
            minted = mint(now=started)  # while capture loads its probes
            spec = _spec(target, options, minted, self._runtime, self._inputs.terms)
            examination = Examination(
                self._detectors, place.append, self._runtime.clock, self._inputs.terms
            )
            signing = self._signing()
            now = self._runtime.clock()
            for event in (*_opening(now, spec, minted, started, options.unmask), *signing):
                examination.take(event)
            sealer = None if any(each.problem for each in signing) else self._sealer
            self._progress(f"{target.name}: running, for {options.timeout:g} s at most")
            threading.Thread(target=_warm, args=(minted,), name="ato-warm", daemon=True).start()
            try:
                self._follow(spec, examination)
            except KeyboardInterrupt:
                self._runtime.close()
                _lose(examination, "caller", "the audit was interrupted")
                _conclude(examination, place, sealer)  # what was seen is kept, and is INCONCLUSIVE
                raise
            except BaseException:
                self._runtime.close()  # or the next audit would be told the rest of this one
                raise
            if enricher := self._inputs.enricher(spec.network):
                self._progress(f"{target.name}: asking where its destinations are")
                examination.enrich(enricher)
            self._progress(f"{target.name}: writing the report")
            return _conclude(examination, place, sealer)

    def _signing(self) -> tuple[Signing, ...]:
        """Say who will sign; a key that cannot be reached leaves the audit unsigned."""
        if self._sealer is None:
            return ()
        now, signer = self._runtime.clock(), self._sealer.signer
        try:
            signer.prepare()
        except SigningError as error:
            return (Signing(ts=now, problem=str(error)),)
        text = "; ".join(filter(None, (signer.description, signer.caveat)))
        return (Signing(ts=now, signer=text, key=signer.public.id),)

    def _follow(self, spec: AuditSpec, examination: Examination) -> None:
        """Take what capture sees until its `end` record; without one, say so in the log."""
        for line in self._runtime.audit(spec):
            try:
                event = decode(line)
            except msgspec.DecodeError:
                _lose(examination, "capture", "a record of capture could not be read")
                continue
            examination.take(event, line)
            if isinstance(event, End):
                return
        words = self._runtime.last_words()
        self._runtime.close()
        _lose(examination, "capture", f"capture ended early: {words or 'it said nothing'}")

    def close(self) -> None:
        """End the capture process and let go of the key; may be called twice."""
        self._runtime.close()
        if self._sealer is not None:
            self._sealer.close()


def replay(
    events: Path,
    *,
    report_dir: Path | None = None,
    extra_detectors: Sequence[type[Detector]] = (),
    inputs: Inputs | None = None,
    progress: Callable[[str], None] | None = None,
) -> Outcome:
    """Examine a recorded audit again: no root, no target, the same report from the same log.

    The log's own answers of registries are used, unless `inputs` has whom to ask anew.

    With a `report_dir`, the log and its new report are written there under the target's name.
    `progress` gets words about how far it is, for who waits. A
    log that cannot be read to its end is INCONCLUSIVE; raises UsageError for one that cannot be
    read at all.
    """
    detectors = registry.load(extra_detectors)
    inputs = inputs or Inputs.recorded(Terms())
    told = partial(_tell, progress, events.name) if progress else None
    if report_dir is None:
        examination = Examination(detectors, terms=inputs.terms)
        _take_all(events, examination, inputs, told)
        return Outcome(directory=events.parent, examined=examination.conclude())
    with ReportDirectory(report_dir, _name(events)) as place:
        examination = Examination(detectors, place.append, terms=inputs.terms)
        _take_all(events, examination, inputs, told)
        return _conclude(examination, place, None)


def update_baseline(path: Path, outcome: Outcome) -> str:
    """Write what a target did into the baseline at `path`; returns a line that says so.

    An audit whose capture was not whole changes nothing. Raises `AtoError`.
    """
    name = outcome.report.target.name
    if not outcome.report.conclusive:
        return f"baseline of {name} left as it is: the capture was not whole"
    difference = baseline.update(path, observe(outcome.directory / EVENTS))
    changes = f"{len(difference.new)} new, {len(difference.gone)} gone"
    return f"baseline of {name} {'updated: ' + changes if difference else 'is up to date'}"


def _tell(progress: Callable[[str], None], name: str, share: float) -> None:
    progress(f"examining {show(name, 60)}: {share:.0%}")


def _take_all(
    events: Path,
    examination: Examination,
    inputs: Inputs,
    told: Callable[[float], None] | None,
) -> None:
    first = _first(events)
    enricher = inputs.enricher(first.spec.network) if isinstance(first, Audit) else None
    for event in read_log(events, told):
        if not (enricher and isinstance(event, Enrichment)):
            examination.take(event)
    if enricher:
        examination.enrich(enricher)


def _first(events: Path) -> AnyEvent | None:
    return next(read_log(events), None)


def _name(events: Path) -> str:
    first = _first(events)
    if not isinstance(first, Audit):
        raise UsageError("this is not an event log: it does not start with an audit record")
    return first.spec.target.name


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


def _warm(minted: Minted) -> None:
    """Load and make what the report will need, while the target runs."""
    warm()
    Matcher.of(minted.honeytokens)


def _lose(examination: Examination, source: str, reason: str) -> None:
    examination.take(Lost(ts=examination.now(), source=source, reason=reason))


def _conclude(
    examination: Examination,
    place: ReportDirectory,
    sealer: Sealer | None,
) -> Outcome:
    """Write the report, have it signed, and put it into its place; unsigned rather than not."""
    examined = examination.conclude()
    digests = place.write(examined.report)
    if sealer is not None:
        try:
            place.add(sealer.seal(examined.evidence, digests))
        except SigningError as error:
            examination.take(Signing(ts=examination.now(), problem=str(error)))
            examined = examination.conclude()
            place.write(examined.report)  # which says that it is not signed
    return Outcome(directory=place.commit(), examined=examined)
