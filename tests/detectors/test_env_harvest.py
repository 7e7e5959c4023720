"""env_harvest: foreign environments, and variables that leave by the lot."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.env_harvest import EnvHarvest
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

VALUES = {
    "AWS_ACCESS_KEY_ID": ("aws", "AKIAX5QWERTYUIOPLKJH"),
    "AWS_SECRET_ACCESS_KEY": ("aws", "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"),
    "GITHUB_TOKEN": ("github", "ghp_8sJk3LmN5qRtUvWx7YzA1bCdEf2GhIj4KlMn"),
    "NPM_TOKEN": ("npm", "npm_Zx9Cv8Bn7Ml6Kj5Hg4Fd3Sa2Qw1Er0TyUi9O"),
}


@pytest.fixture
def log(make_log):
    log = make_log()
    tokens = [
        ev.Honeytoken(
            ts=1, name=name.lower(), family=family, variable=name, markers={name.lower(): value}
        )
        for name, (family, value) in VALUES.items()
    ]
    log.events[1:1] = tokens
    return log


def _send(log, *names):
    body = "\n".join(f"{name}={VALUES[name][1]}" for name in names).encode()
    log.tcp(log.root, "203.0.113.9", 80, b"POST / HTTP/1.1\r\n\r\n" + body)


def test_the_parents_environment(log, detect):
    child = log.spawn(log.root, "/usr/bin/python3")
    log.open(child, f"/proc/{log.inner(log.root)}/environ")
    [finding] = detect(EnvHarvest, log)
    assert finding.severity is Severity.HIGH
    assert finding.rule == "ATO-CRD-005"
    assert finding.key == "env_harvest:environ:app"
    assert finding.title == "app → python3 opens the environment of another process (app)"


def test_the_sandboxs_init_refuses(log, detect):
    log.open(log.root, "/proc/1/environ", result=-13)
    [finding] = detect(EnvHarvest, log)
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "env_harvest:environ:init"


def test_ps_is_info(log, detect):
    ps = log.spawn(log.root, "/usr/bin/ps", "ax")
    log.open(ps, f"/proc/{log.inner(log.root)}/environ")
    [finding] = detect(EnvHarvest, log)
    assert finding.severity is Severity.INFO


def test_a_way_round_self(log, detect):
    log.open(log.root, "/proc/self/../1/environ", file="/proc/1/environ")
    log.open(log.root, "/proc/self/root/proc/1/environ", file="/proc/1/environ")
    [finding] = detect(EnvHarvest, log)
    assert finding.count == 2


def test_a_path_that_changed_is_not_taken_for_ones_own(log, detect):
    log.open(log.root, "/proc/self/environ", file="/proc/1/environ", changed=True)
    [finding] = detect(EnvHarvest, log)
    assert finding.key == "env_harvest:environ:init"


@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/thread-self/environ"])
def test_ones_own_environment_is_silent(log, detect, path):
    log.open(log.root, path, file=f"/proc/{log.inner(log.root)}/environ")
    log.open(log.root, f"/proc/{log.inner(log.root)}/environ")
    assert detect(EnvHarvest, log) == ()


def test_ones_own_environment_where_numbers_are_not_told(log, detect):
    log.events = [
        type(event)(ts=event.ts, pid=event.pid, child=event.child)
        if isinstance(event, ev.Fork)
        else event
        for event in log.events
    ]
    log.open(log.root, "/proc/self/environ", file="/proc/7/environ")
    assert detect(EnvHarvest, log) == ()


def test_a_childs_environment_is_what_it_was_given(log, detect):
    child = log.spawn(log.root, "/usr/bin/sleep")
    log.open(log.root, f"/proc/{log.inner(child)}/environ")
    assert detect(EnvHarvest, log) == ()


@pytest.mark.parametrize("result", [-2, -3])
def test_a_process_that_has_gone_is_silent(log, detect, result):
    log.open(log.root, "/proc/4711/environ", result=result)
    assert detect(EnvHarvest, log) == ()


def test_other_files_of_init_are_silent(log, detect):
    log.open(log.root, "/proc/1/cgroup")
    assert detect(EnvHarvest, log) == ()


def test_all_variables_leave(log, detect):
    _send(log, *VALUES)
    [finding] = detect(EnvHarvest, log)
    assert finding.severity is Severity.HIGH
    assert finding.key == "env_harvest:leave:aws+github+npm"
    assert len(finding.evidence) == 4
    assert not any(value in finding.title for _, value in VALUES.values())


def test_an_honest_client_sends_its_own_kind(log, detect):
    _send(log, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    _send(log, "GITHUB_TOKEN")
    assert detect(EnvHarvest, log) == ()


def test_printing_the_environment_is_no_leak(log, detect):
    log.output("\n".join(value for _, value in VALUES.values()).encode())
    assert detect(EnvHarvest, log) == ()
