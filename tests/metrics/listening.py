"""Where a program of Prometheus' family listens, by its log: it was told to take any port.

It listens before it answers queries: until it says that it is ready, they get a 503.
"""

from __future__ import annotations

import re
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path


def listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    """URL of what `process` serves on loopback, as soon as it is ready; fails if it ends."""
    while process.poll() is None:
        found = re.search(r'msg="Listening on" address="?(127\.0\.0\.1:\d+)', log.read_text())
        if found and _ready(url := f"http://{found[1]}"):
            return url
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def _ready(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/-/ready", timeout=20).close()
    except urllib.error.HTTPError:
        return False
    return True
