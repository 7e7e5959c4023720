"""`ato doctor`: the table of this machine and the table of probes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.capture.probes import PROBES
from pytest_ato.evidence.signers import modules
from pytest_ato.flows import checks as flows

from ..flows.conftest import bpffs  # noqa: TID252

__all__ = ["bpffs"]

Ato = Callable[..., subprocess.CompletedProcess[str]]
HEADING = "probes of the core loader:"
STATES = {"ok", "--", "NO"}


def rows(output: str) -> dict[str, list[str]]:
    """Words of each probe's row, by its name."""
    lines = output.partition(f"{HEADING}\n")[2].splitlines()
    found = [line.split() for line in lines if line.split()[0] in STATES]
    return {words[1]: words for words in found}


@pytest.mark.privileged
def test_every_probe_has_a_row_with_state_and_need(ato: Ato) -> None:
    told = ato("doctor", scripted=False)
    assert told.returncode == 0, told.stdout + told.stderr
    table = rows(told.stdout)
    assert list(table) == [probe.name for probe in PROBES]
    for probe in PROBES:
        state, _name, need, *question = table[probe.name]
        assert state == "ok"
        assert need == ("required" if probe.required else "optional")
        assert " ".join(question).startswith(probe.question)


@pytest.mark.privileged
def test_the_alternative_in_use_is_named(ato: Ato) -> None:
    table = rows(ato("doctor", scripted=False).stdout)
    for probe in PROBES:
        if probe.alternatives:
            words = table[probe.name]
            assert words[-3:-1] == ["in", "use:"]
            assert words[-1] in probe.alternatives


@pytest.mark.privileged
def test_modules_of_tokens_have_a_row(ato: Ato) -> None:
    told = ato("doctor", scripted=False).stdout.partition(HEADING)[0]
    (row,) = [line for line in told.splitlines() if " PKCS#11 " in line]
    found = [path for path in modules.installed() if str(path) in row]
    assert row.split()[0] == ("ok" if found else "--")
    assert found == list(modules.installed())


@pytest.mark.privileged
def test_flows_have_a_row_and_leave_no_map(bpffs: Path) -> None:
    assert flows.check(bpffs).state == "ok"
    assert not list(bpffs.glob("ato_*"))
    subprocess.run(["mount", "-o", "remount,ro", bpffs], check=True)
    sealed = flows.check(bpffs)
    assert sealed.state == "optional"
    assert "Read-only file system" in sealed.found
    elsewhere = flows.check(bpffs.parent)
    assert elsewhere.cure == f"mount -t bpf bpf {bpffs.parent}"


@pytest.mark.privileged
def test_quiet_tells_only_what_is_missing(ato: Ato) -> None:
    told = ato("doctor", "--quiet", scripted=False)
    assert (told.returncode, told.stdout) == (0, "")


@pytest.mark.privileged
def test_without_capabilities_every_refusal_is_told() -> None:
    command = "import sys; from pytest_ato.cli import main; sys.exit(main())"
    told = subprocess.run(
        ["setpriv", "--bounding-set=-all", sys.executable, "-P", "-c", command, "doctor"],
        env={**os.environ, "DOCKER_HOST": "unix:///nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stderr) == (2, "")
    assert "--  engine        no container engine listens at /nonexistent" in told.stdout
    assert "NO  privilege     uid 0, without CAP_NET_ADMIN" in told.stdout
    for probe in PROBES:
        assert rows(told.stdout)[probe.name][0] == ("NO" if probe.required else "--")
