"""From facts and judgement to the report: every string masked and made printable on the way.

Owns the mapping. What comes out is all that renderers and the terminal know; only the raw event
log says more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec
from msgspec import structs

from pytest_ato.analysis import Facts
from pytest_ato.analysis.activity import Activity, Destination
from pytest_ato.analysis.distinct import Counted
from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Idle
from pytest_ato.detectors.uses import Use
from pytest_ato.evidence.views import View
from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import Octets
from pytest_ato.model.policy import Declared, Terms
from pytest_ato.model.report import (
    Ended,
    Report,
    ReportBaseline,
    ReportFinding,
    ReportImage,
    ReportPolicy,
    ReportTarget,
    Summary,
    Timings,
    WaiverUse,
)
from pytest_ato.model.spec import AuditSpec, Image, PackagedFile
from pytest_ato.policy.ceilings import how_it_ended
from pytest_ato.policy.verdict import Judgement
from pytest_ato.reports import observed, traffic
from pytest_ato.reports.coverage import coverage
from pytest_ato.reports.crosswalk import controls
from pytest_ato.reports.provenance import provenance
from pytest_ato.reports.remedies import remedy

LISTED: Final = 1_000
"""Findings (live, waived, notes each) that a report lists, the worst; the verdict knows all."""
UNMASKED: Final = "secrets are shown in clear (unmask): keep this report as you keep raw events"


def build(
    facts: Facts,
    judgement: Judgement,
    *,
    watching: Collection[Definition],
    skipped: Collection[Idle] = (),
    notes: Iterable[str] = (),
    uses: Mapping[str, Use] | None = None,
    terms: Terms | None = None,
    context: Context | None = None,
) -> Report:
    """Make the report of one audit.

    `watching` are the detectors that ran, `skipped` those that had no work in it, `notes` say what
    the analysis could not search, `uses` what became of the honeytokens, `terms` are what it was
    judged by, `context` has the traffic. The same arguments give an equal report.
    """
    view = view_of(facts)
    context = context or Context()
    ledger = context.connections.ledger
    policy = _policy(terms or Terms(), judgement, view)
    end = facts.end
    if facts.audit is not None and facts.audit.unmask:
        notes = (*notes, UNMASKED)
    seen = coverage(
        facts,
        view,
        watching,
        skipped,
        left_out=_left_out(judgement),
        notes=(*notes, *traffic.sentences(ledger)),
        tls=traffic.tls(ledger, view),
    )
    report = Report(
        verdict=judgement.verdict,
        conclusive=judgement.conclusive,
        reason=view.text(judgement.reason),
        inconclusive=view.texts(judgement.inconclusive),
        conditions=view.texts(judgement.conditions[:LISTED]),
        ended=Ended(
            how=end.ended if end else "unknown",
            status=end.status if end else 0,
            run_ms=end.run_ms if end else 0.0,
            sentence=view.text(how_it_ended(end)),
        ),
        run_id=view.text(facts.audit.spec.run_id) if facts.audit else "",
        target=_target(facts, view),
        findings=_listed(judgement.findings, view),
        waived=_listed(judgement.waived, view),
        notes=_listed(judgement.notes, view),
        summary=_summary(facts, view),
        coverage=seen,
        provenance=provenance(facts, view, watching, terms or Terms()),
        timing=Timings(
            attach_ms=facts.start.attach_ms if facts.start else 0.0,
            run_ms=end.run_ms if end else 0.0,
            analysis_ms=facts.analysis_ms,
        ),
        processes=observed.processes(facts, view),
        destinations=observed.destinations(facts, view),
        honeytokens=observed.honeytokens(facts, view, uses or {}),
        timeline=observed.timeline(facts, view, judgement),
        policy=policy,
        rules=observed.rules(
            (*watching, *(idle.definition for idle in skipped)), view, seen.not_run
        ),
        baseline=_baseline(terms or Terms(), judgement, view),
        requests=traffic.requests(context.exchanges, view),
        requests_total=context.exchanges.total,
    )
    return structs.replace(report, controls=controls(report, watching))


def masked(judgement: Judgement, facts: Facts) -> Judgement:
    """Return `judgement` with every string masked and printable, for who shows it by itself."""
    view = view_of(facts)
    return replace(
        judgement,
        reason=view.text(judgement.reason),
        inconclusive=view.texts(judgement.inconclusive),
        conditions=view.texts(judgement.conditions),
        findings=tuple(map(view.finding, judgement.findings)),
        waived=tuple(map(view.finding, judgement.waived)),
        notes=tuple(map(view.finding, judgement.notes)),
    )


def view_of(facts: Facts) -> View:
    """Return the view that masks this audit's markers and planted personal data, under its key."""
    if facts.audit is None:
        return View(b"", facts.honeytokens)
    name_of = {token.path: token.name for token in facts.honeytokens if token.family == "pii"}
    plants = facts.audit.spec.plants
    documents = {name_of[plant.path]: plant.content for plant in plants if plant.path in name_of}
    return View(facts.audit.digest_key, facts.honeytokens, documents, unmasked=facts.audit.unmask)


def _listed(findings: Sequence[Finding], view: View) -> tuple[ReportFinding, ...]:
    shown = map(view.finding, findings[:LISTED])
    return tuple(structs.replace(each, remedy=remedy(each.rule, each.category)) for each in shown)


def _left_out(judgement: Judgement) -> int:
    lists = (judgement.findings, judgement.waived, judgement.notes)
    return sum(max(0, len(each) - LISTED) for each in lists)


def _target(facts: Facts, view: View) -> ReportTarget:
    if facts.audit is None:
        return ReportTarget(name="", path="", sha256="", size=0, argv=())
    spec = facts.audit.spec
    target = spec.target
    package = target.package
    found = ReportTarget(
        name=view.text(target.name),
        path=view.text(target.path),
        sha256=view.text(target.sha256),
        size=target.size,
        argv=view.argv(_command(spec)),
    )
    if package is None:
        return found
    return msgspec.structs.replace(
        found,
        package=view.text(package.kind),
        phase=view.text(package.phase),
        files=tuple(
            PackagedFile(view.text(each.path), view.text(each.sha256)) for each in package.files
        ),
        files_total=package.files_total,
        left_out=view.texts(package.left_out),
        image=_image(target.image, view) if target.image else None,
    )


def _command(spec: AuditSpec) -> tuple[Octets, ...]:
    """What was started, with its arguments; an image's own give way to others."""
    target = spec.target
    if target.image is not None:
        return *target.image.entrypoint, *(spec.args or target.image.command)
    return target.package.program if target.package else target.path, *spec.args


def _image(image: Image, view: View) -> ReportImage:
    return ReportImage(
        name=view.text(image.name),
        digest=view.text(image.digest),
        user=view.text(f"{image.user or 'root'} ({image.uid}:{image.gid})"),
        entry_point=view.argv(image.entrypoint),
    )


def _summary(facts: Facts, view: View) -> Summary:
    activity = facts.activity
    end = facts.end
    return Summary(
        events=activity.events,
        processes=activity.processes,
        programs=_sorted(view, activity.programs),
        programs_total=activity.programs.count,
        files_read=activity.read.count,
        files_written=activity.written.count,
        written=_sorted(view, activity.written),
        names=_sorted(view, activity.names),
        names_total=activity.names.count,
        addresses=_addresses(view, activity),
        addresses_total=activity.destinations.count,
        bytes_out=activity.bytes_out,
        bytes_in=activity.bytes_in,
        output_bytes=_keyed(view, activity.output_bytes),
        survivors=tuple(sorted(view.texts(end.survivors))) if end else (),
        limits_hit=tuple(sorted(view.texts(end.limits_hit))) if end else (),
    )


def _sorted(view: View, values: Counted[Octets]) -> tuple[str, ...]:
    return tuple(sorted({view.text(value) for value in values.first}))


def _addresses(view: View, activity: Activity) -> tuple[str, ...]:
    written = {_address(view, activity, each) for each in activity.destinations.first}
    return tuple(sorted(written))


def _address(view: View, activity: Activity, destination: Destination) -> str:
    address, part = destination
    host = view.text(activity.name_of.get(address, address))
    if isinstance(part, str):
        return f"{host} {view.text(part)}"
    return f"[{host}]:{part}" if ":" in host else f"{host}:{part}"


def _keyed(view: View, numbers: dict[str, int]) -> dict[str, int]:
    return {view.text(name): number for name, number in sorted(numbers.items())}


def _policy(terms: Terms, judgement: Judgement, view: View) -> ReportPolicy | None:
    """The policy file's content is the user's own, and shown as the target's strings are."""
    source, declared = terms.policy_source, terms.policy.declared or Declared()
    if source is None:
        return None
    kinds = ("domains", "cidrs", "ports", "files", "children")
    stated = {kind: getattr(declared, kind) for kind in kinds}
    return ReportPolicy(
        name=view.text(source.name),
        sha256=source.sha256,
        declared={
            kind: view.texts(map(str, entries[:LISTED]))
            for kind, entries in stated.items()
            if entries is not None
        },
        service=declared.service,
        waivers=tuple(_waiver(use, view) for use in judgement.waivers[:LISTED]),
    )


def _baseline(terms: Terms, judgement: Judgement, view: View) -> ReportBaseline | None:
    source = terms.baseline_source
    if source is None:
        return None
    told = (*judgement.findings, *judgement.waived, *judgement.notes)
    keys = [finding.key for finding in told if finding.detector == "vendor_drift"]
    new, gone = (
        tuple(sorted(view.text(key.removeprefix(start)) for key in keys if key.startswith(start)))
        for start in ("vendor_drift:new:", "vendor_drift:gone:")
    )
    return ReportBaseline(
        name=view.text(source.name), sha256=source.sha256, new=new[:LISTED], gone=gone[:LISTED]
    )


def _waiver(use: WaiverUse, view: View) -> WaiverUse:
    waiver = use.waiver
    texts = {
        name: view.text(value)
        for name in ("finding", "detector", "scope", "reason", "owner", "ticket")
        if (value := getattr(waiver, name)) is not None
    }
    return structs.replace(
        use, waiver=structs.replace(waiver, **texts), findings=view.texts(use.findings)
    )
