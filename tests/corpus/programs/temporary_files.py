#!/usr/bin/python3
"""Temporary files and folders, made, renamed, removed."""

import os
import tempfile

for number in range(50):
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("x" * number)
    os.replace(file.name, f"/tmp/kept-{number % 5}")
with tempfile.TemporaryDirectory() as folder, open(f"{folder}/data", "w") as file:
    file.write("data")
