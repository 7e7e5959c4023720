"""Where a program of Prometheus' family listens, by its log: it was told to take any port."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path


def listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    """URL of what `process` serves on loopback, as soon as its log tells; fails if it ends."""
    while process.poll() is None:
        found = re.search(r'msg="Listening on" address="?(127\.0\.0\.1:\d+)', log.read_text())
        if found:
            return f"http://{found[1]}"
        time.sleep(0.05)
    raise AssertionError(log.read_text())
