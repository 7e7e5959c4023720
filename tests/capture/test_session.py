"""A capture session on machines that it cannot serve."""

from __future__ import annotations

import json
import subprocess
import sys


def test_a_machine_with_other_call_numbers_is_refused() -> None:
    told = subprocess.run(
        ["setarch", "i686", sys.executable, "-I", "-m", "pytest_ato.capture", "core"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stderr) == (2, b"")
    (line,) = told.stdout.splitlines()
    reason = json.loads(line)["reason"]
    assert reason == "this machine is i686: audits need x86-64"
