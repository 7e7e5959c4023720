#!/usr/bin/python3
"""A program's own settings, cache and data in the home, written and read again."""

import configparser
import json
from pathlib import Path

home = Path.home()
for folder in (".config/demo", ".cache/demo", ".local/share/demo", ".local/state/demo"):
    (home / folder).mkdir(parents=True)
settings = configparser.ConfigParser()
settings["demo"] = {"theme": "dark", "token": "none"}
with (home / ".config/demo/settings.ini").open("w") as file:
    settings.write(file)
assert configparser.ConfigParser().read(home / ".config/demo/settings.ini")
(home / ".cache/demo/index.json").write_text(json.dumps(list(range(1000))))
new = home / ".local/share/demo/state.tmp"
new.write_text("state")
new.rename(home / ".local/share/demo/state")
