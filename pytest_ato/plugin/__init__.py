"""The pytest face: hooks that delegate, and nothing else.

Every pytest run on a machine that has this package imports this module, so it imports only pytest,
the standard library and our table of options; the rest is loaded when a session uses it: by
`--ato-target` or its ini twin, or by a test that asks for `ato_trace` or `findings`.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ato.plugin import hookspecs, options
from pytest_ato.plugin.fixtures import ato_findings, ato_subject, ato_trace

if TYPE_CHECKING:
    from xdist.remote import Producer  # type: ignore[import-untyped]
    from xdist.scheduler.protocol import Scheduling  # type: ignore[import-untyped]
    from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

__all__ = ["ato_findings", "ato_subject", "ato_trace"]

_MARKERS = (
    "ato_target(path, args=..., env=..., ...): the program that the fixture findings is about",
    "ato_network(mode): sinkhole or none, for the audits of this test",
    "ato_timeout(seconds): time limit for the audits of this test",
    "ato_allow(name, ...): detectors or categories whose findings this test accepts",
)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register options and hooks."""
    options.register(parser)
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse, before any file is imported, what would make pytest import a vendor's."""
    options.refuse_separate_paths(early_config.invocation_params.args)
    known = early_config.known_args_namespace
    if options.target_paths(early_config, known):
        from pytest_ato.plugin import vendor

        vendor.refuse_conftests(early_config, known)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Check options and targets before anything is collected or any worker starts."""
    if options.given(session.config):
        from pytest_ato.plugin import session as state

        state.start(session.config)


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a vendor's folder out of collection."""
    if options.in_use(config):
        from pytest_ato.plugin import vendor

        return vendor.boundary_of(config).excludes(collection_path) or None
    return None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Add the targets to what the session collects: not to its arguments, which it imports."""
    report = yield
    if isinstance(collector, pytest.Session) and options.in_use(collector.config):
        from pytest_ato.plugin import items

        report.result.extend(items.collectors(collector))
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of `findings` one test for each target."""
    if "ato_subject" in metafunc.fixturenames:
        from pytest_ato.plugin import audits

        audits.parametrize(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the table of findings under a failing test that looked at some."""
    report = yield
    if report.failed and "ato_report" in dict(item.user_properties):
        from pytest_ato.plugin import audits

        if table := audits.section(item):
            report.sections.append(("ato findings", table))
    return report


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say how audits run, when there are some."""
    if options.in_use(config):
        from pytest_ato.plugin import terminal

        return terminal.header(config)
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what each target did."""
    ran = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.user_properties
    ]
    if ran:
        from pytest_ato.plugin import terminal

        terminal.summary(terminalreporter, ran)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker of pytest-xdist what it shares with the others."""
    from pytest_ato.plugin import distribution

    distribution.configure(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Keep one target's items together on one worker."""
    if options.in_use(config):
        from pytest_ato.plugin import scheduling

        return scheduling.scheduler(config, log)
    return None
