"""A kernel without BTF, made by hiding it in a mount namespace of the test's own."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pytest_ato.capture.loader import bcc_library

pytestmark = [pytest.mark.privileged, pytest.mark.usefixtures("bcc")]

ATO = (sys.executable, "-P", "-c", "import sys; from pytest_ato.cli import main; sys.exit(main())")


def run(hidden: list[str], report_dir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Audit /bin/true with empty folders in place of the `hidden` ones."""
    command = [*ATO, "run", f"--report-dir={report_dir}", "--network=none", *options, "/bin/true"]
    steps = ["mount --make-rprivate /"]
    steps += [f"mount -t tmpfs none {shlex.quote(folder)}" for folder in hidden]
    script = " && ".join([*steps, f"exec {shlex.join(command)}"])
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False
    )


def test_auto_audits_through_bcc(tmp_path: Path) -> None:
    result = run(["/sys/kernel/btf"], tmp_path)
    assert result.returncode == 0, result.stderr
    report = msgspec.json.decode((tmp_path / "true/report.json").read_bytes())
    assert report["verdict"] == "APPROVE WITH CONDITIONS"
    assert report["provenance"]["loader"] == "bcc"


def test_core_says_what_is_missing(tmp_path: Path) -> None:
    result = run(["/sys/kernel/btf"], tmp_path, "--loader=core")
    assert result.returncode == 2
    assert "the kernel has no BTF" in result.stderr


@pytest.mark.parametrize("lacking", ["library", "headers"])
def test_without_both_one_line_names_both(tmp_path: Path, lacking: str) -> None:
    folder = str(bcc_library.find()) if lacking == "library" else "/lib/modules"
    result = run(["/sys/kernel/btf", folder], tmp_path)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "core needs a kernel with BTF" in line
    assert "bcc: " in line
    assert "apt-get install " in line
