#!/usr/bin/python3
"""Temporary files and folders, made, renamed, removed."""

import tempfile
from pathlib import Path

for number in range(50):
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("x" * number)
    Path(file.name).replace(f"/tmp/kept-{number % 5}")
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "data").write_text("data")
