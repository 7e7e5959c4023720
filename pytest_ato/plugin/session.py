"""The plugin's state for one pytest session: settings, subjects, the auditor, outcomes.

Kept in `config.stash` and made when something asks for it, so a session that does not use the
plugin never loads it. Hooks, items and fixtures delegate here; nothing is printed here.
"""

from __future__ import annotations

import os
import shlex
import traceback
import warnings
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ato import wording
from pytest_ato.detectors import registry
from pytest_ato.model.errors import AtoError, SigningError
from pytest_ato.plugin import options, sharing, subjects
from pytest_ato.plugin.distribution import ARGUMENTS_INPUT, SHARED_INPUT
from pytest_ato.plugin.subjects import Judged, Subject
from pytest_ato.policy.verdict import check_names
from pytest_ato.target import resolve, resolve_all

if TYPE_CHECKING:
    from pytest_ato.audit import Auditor, Inputs, Outcome
    from pytest_ato.detectors.interface import Definition, Detector
    from pytest_ato.model.spec import Target

KEY: Final = pytest.StashKey["AtoSession"]()


def session_of(config: pytest.Config) -> AtoSession:
    """The state of this pytest session, made on first use."""
    if KEY not in config.stash:
        config.stash[KEY] = session = AtoSession(config)
        config.add_cleanup(session.close)
    return config.stash[KEY]


class AtoSession:
    """One pytest session or pytest-xdist worker; at most one auditor, and each audit once."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        settings = options.read(config)
        self._own_rules = settings.detectors
        self.inputs: Inputs = settings.inputs(self.definitions)
        """What all audits of this session are judged by."""
        self.settings = settings.under(self.inputs.terms.policy)
        self.baseline_lines: dict[Path, str] = {}
        """By report directory: what became of the target's baseline."""
        self._outcomes: dict[str, Outcome | AtoError] = {}
        self._targets: dict[str, Target] = {}
        self._claims: dict[str, set[str]] = {}
        self._auditor: Auditor | None = None
        worker: dict[str, object] = getattr(config, "workerinput", {})
        shared = worker.get(SHARED_INPUT)
        self._shared = Path(shared) if isinstance(shared, str) else None
        given = worker.get(ARGUMENTS_INPUT)
        self._arguments = (
            [str(argument) for argument in given]
            if isinstance(given, list)
            else list(config.invocation_params.args)
        )

    # --- what is audited -------------------------------------------------------------------

    @cached_property
    def subjects(self) -> dict[str, Subject]:
        """Targets of the command line by their unique names; raises `UsageError`.

        A package is a target for each of its phases.
        """
        settings = self.settings
        if not settings.target:
            return {}
        audit = settings.options()
        found = []
        for path in settings.target:
            for target in resolve_all(
                os.fspath(path),
                settings.include,
                guarded=(self.config.rootpath,),
                entry=settings.entry,
            ):
                options = audit.of_phase(target.phase)
                found.append(subject := Subject(path, settings.include, options, target.phase))
                self._targets[subject.digest] = target
        return subjects.unique_names(found)

    def check(self) -> None:
        """Check names, targets and companions before anything is collected.

        Raises `UsageError`.
        """
        check_names(self.settings.allow, self.detector_names)
        if not hasattr(self.config, "workerinput"):  # the controller has asked for all of them
            from pytest_ato.settings import signing

            signing.check(self.settings)
        _ = self.subjects  # which resolves them

    def target(self, subject: Subject) -> Target:
        """Resolve a subject's program, once; raises `UsageError`."""
        key = subject.digest
        if key not in self._targets:
            self._targets[key] = resolve(
                os.fspath(subject.path),
                subject.include,
                guarded=(self.config.rootpath,),
                entry=self.settings.entry,
                phase=subject.phase,
            )
        return self._targets[key]

    def claim(self, subject: Subject) -> None:
        """Announce a marked target while collecting: names clash or not by all that is there."""
        self._claims.setdefault(subject.name, set()).add(subject.digest)

    def directory_name(self, subject: Subject) -> str:
        """Name of the subject's directory below the report directory, the same in all workers."""
        for name, known in self.subjects.items():
            if known.digest == subject.digest:
                return name
        clashes = len(self._claims.get(subject.name, ())) > 1 or subject.name in self.subjects
        return subjects.hashed_name(subject) if clashes else subject.name

    # --- detectors ---------------------------------------------------------------------------

    @cached_property
    def extra_detectors(self) -> tuple[type[Detector], ...]:
        """Detectors that other plugins, conftest files and rule files bring."""
        answers: list[Iterable[type[Detector]]] = self.config.hook.pytest_ato_detectors()
        brought = [detector for answer in answers for detector in answer]
        return (*brought, *self._own_rules())

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """Definitions of all detectors of this session; raises `UsageError`."""
        return registry.definitions(self.extra_detectors)

    @cached_property
    def detector_names(self) -> frozenset[str]:
        """Names of all detectors of this session."""
        return frozenset(definition.name for definition in self.definitions)

    # --- audits ------------------------------------------------------------------------------

    def outcome(self, subject: Subject) -> Outcome:
        """The outcome of a subject's one audit in this session; raises `AtoError`, always the
        same."""
        key = subject.digest
        if key not in self._outcomes:
            try:
                self._outcomes[key] = self._audit_once(subject)
            except AtoError as error:
                self._outcomes[key] = error
            except Exception as error:
                if self.config.getoption("fulltrace"):
                    raise
                self._outcomes[key] = defect(error)
        found = self._outcomes[key]
        if isinstance(found, AtoError):
            raise found.with_traceback(None)
        return found

    def audit(self, subject: Subject, directory: str) -> Outcome:
        """Audit now, whatever was audited before; raises `AtoError`."""
        outcome = self.auditor.audit(self.target(subject), subject.options, directory=directory)
        if self.settings.metrics:
            self._count(outcome)
        if self.settings.update_baseline and self.settings.baseline:
            from pytest_ato.audit import update_baseline

            line = update_baseline(self.settings.baseline, outcome)
            self.baseline_lines[outcome.directory] = line
        return outcome

    def judge(self, outcome: Outcome, allow: Iterable[str] = ()) -> Judged:
        """Judge an outcome, accepting `allow` besides what its own options allow.

        Raises `UsageError` for a name that no detector and no category has, and `SigningError`
        for what had to be signed and is not: whatever `-k` left, it does not pass.
        """
        if outcome.unsigned:
            from pytest_ato.settings.signing import must_sign

            if must_sign(self.settings):
                raise SigningError(wording.unsigned(outcome.unsigned))
        names = tuple(allow)
        check_names((*self.settings.allow, *names), self.detector_names)
        return subjects.judge(outcome, names, self.definitions)

    @property
    def auditor(self) -> Auditor:
        """The session's auditor, made on first use."""
        if self._auditor is None:
            from pytest_ato.audit import Auditor
            from pytest_ato.plugin import progress
            from pytest_ato.settings import signing

            self._auditor = Auditor(
                report_dir=self.settings.report_dir,
                runtime=self.settings.runtime,
                loader=self.settings.loader,
                image=self.settings.image,
                extra_detectors=self.extra_detectors,
                inputs=self.inputs,
                sealer=signing.sealer(self.settings),
            )
            self._auditor.runtime.progress = progress.teller(self.config)
        return self._auditor

    def close(self) -> None:
        """End the capture process, if one was started."""
        if self._auditor is not None:
            self._auditor.close()
            self._auditor = None

    def _count(self, outcome: Outcome) -> None:
        """Count an audit; that counting failed is a warning, and changes no verdict."""
        from pytest_ato.metrics import count

        try:
            count.audit(self.settings.metrics, outcome.report)
        except AtoError as error:
            warnings.warn(pytest.PytestWarning(f"ato: {error}"), stacklevel=1)

    def _audit_once(self, subject: Subject) -> Outcome:
        name = self.directory_name(subject)
        if self._shared is None:
            return self.audit(subject, name)
        made: list[Outcome] = []

        def produce() -> Path:
            made.append(self.audit(subject, name))
            return made[0].directory

        results = sharing.SharedResults(self._shared)
        directory, first = results.once(subject.digest, produce)
        return made[0] if first else self._load(directory)

    def _load(self, directory: Path) -> Outcome:
        """Read what another worker audited."""
        from pytest_ato.audit import Inputs, replay

        log = directory / "events.jsonl"
        recorded = Inputs.recorded(self.inputs.terms)
        return replay(log, extra_detectors=self.extra_detectors, inputs=recorded)

    # --- words -------------------------------------------------------------------------------

    def command_with(self, flags: Iterable[str]) -> str:
        """The command line of this session with more flags, to be copied into a shell."""
        return shlex.join(["pytest", *self._arguments, *flags])


def defect(error: Exception) -> AtoError:
    """One line for an error that should not be: every item shows it, a traceback helps none."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return AtoError(
        f"{type(error).__name__}: {error}{place}; this is a defect of pytest-ato, please report it "
        "with the output of --full-trace"
    )


def start(config: pytest.Config) -> None:
    """Check everything that can be checked before an audit; raises `pytest.UsageError`."""
    try:
        session_of(config).check()
    except AtoError as error:
        raise pytest.UsageError(str(error)) from None
