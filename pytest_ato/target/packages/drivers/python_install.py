"""Installs the wheel or sdist in /opt/archive as pip does, from nowhere else.

A wheel is unpacked where there is no pip: its installation runs nothing of it either way.
"""

import importlib.util
import os
import sys
import zipfile
from pathlib import Path

(archive,) = Path("/opt/archive").iterdir()
place = Path.cwd() / "installed"
if importlib.util.find_spec("pip"):
    command = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install"]
    command += ["--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
    os.execv(sys.executable, [*command, "--target", str(place), str(archive)])  # noqa: S606
if not zipfile.is_zipfile(archive) or archive.suffix != ".whl":
    sys.exit("an sdist is built by pip, which python3 does not have here")
with zipfile.ZipFile(archive) as wheel:
    wheel.extractall(place)
