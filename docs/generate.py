"""Write the pages that are made from code: ``python docs/generate.py``.

Owns their text around the generated parts; the facts come from the package.
"""

from __future__ import annotations

from pathlib import Path

from pytest_ato.policy.schema import schema
from pytest_ato.settings.table import TABLE, Arity, Setting

OPTIONS = Path(__file__).parent / "options.md"
SCHEMA = Path(__file__).parent / "policy.schema.json"

HEAD = """\
# Options

Made from the code by `make docs`.

| pytest | `ato run` | ini | what it does |
|--|--|--|--|
"""

TAIL = """
In an ini file (`pytest.ini`, `pyproject.toml`, ...) the value of an option that may be repeated is
a list, one item a line; paths are relative to that file. The command line goes before it.

Markers: `ato_target(path)`, `ato_network(mode)`, `ato_timeout(seconds)`, `ato_allow(name, ...)`.
"""


def options_page() -> str:
    """Render `docs/options.md` from the table of settings."""
    return HEAD + "".join(_row(setting) for setting in TABLE) + TAIL


def _row(setting: Setting) -> str:
    value = "" if setting.arity is Arity.FLAG else setting.metavar
    in_pytest = f"`--ato-{setting.name}{value and '=' + value}`"
    in_run = "" if setting.pytest_only else f"`--{setting.name}{value and ' ' + value}`"
    return f"| {in_pytest} | {in_run} | `{setting.dest}` | {setting.help} |\n"


if __name__ == "__main__":
    OPTIONS.write_text(options_page())
    SCHEMA.write_text(schema())
