"""Write the pages that are made from code: ``python docs/generate.py``.

Owns their text around the generated parts; the facts come from the package.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from pytest_ato.policy.schema import schema
from pytest_ato.settings.table import TABLE, Arity, Setting

OPTIONS = Path(__file__).parent / "options.md"
DETECTORS = Path(__file__).parent / "detectors.md"
SCHEMA = Path(__file__).parent / "policy.schema.json"
ACTION = Path(__file__).parent / "github-action.md"

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


ACTION_HEAD = """\
# In GitHub Actions

Made from `action.yml` by `make docs`.

```yaml
- uses: pytest-ato/pytest-ato@<commit> # of the release that you reviewed
  with:
    target: vendor/agent
    policy: vendor/policy.yaml
```

The step installs the tool, says what the runner can do (`ato doctor`), audits, writes the step's
summary and annotations, uploads reports and signed evidence whether the gate passed or not, and
only then fails. Raw events stay on the runner unless you ask for them: they have unmasked values in
them. The target never leaves the runner.

Ready to copy: [gate a vendor's drop in its pull request](../examples/workflows/vendor-drop.yml),
[audit again each night against a baseline](../examples/workflows/nightly.yml),
[GitLab](../examples/pipelines/gitlab-ci.yml), [any other shell](../examples/pipelines/gate.sh).

Inputs go to the tool as variables of the environment, never as text of a script. A runner's key is
new on each runner, so that its signature shows integrity and no more; give `sign-uri` and `pin` for
a key that stays.

"""


def action_page() -> str:
    """Render `docs/github-action.md` from the action's own description of itself."""
    action = yaml.safe_load((Path(__file__).parents[1] / "action.yml").read_bytes())
    lines = ["| input | default | what it is |", "|--|--|--|"]
    for name, each in action["inputs"].items():
        default = "required" if each.get("required") else f"`{each['default']}`"
        default = "" if default == "``" else default
        lines.append(f"| `{name}` | {default} | {each['description']} |")
    lines += ["", "| output | what it is |", "|--|--|"]
    lines += [f"| `{name}` | {each['description']} |" for name, each in action["outputs"].items()]
    return ACTION_HEAD + "\n".join(lines) + "\n"


def options_page() -> str:
    """Render `docs/options.md` from the table of settings."""
    return HEAD + "".join(_row(setting) for setting in TABLE) + TAIL


def _row(setting: Setting) -> str:
    value = "" if setting.arity is Arity.FLAG else setting.metavar
    in_pytest = f"`--ato-{setting.name}{value and '=' + value}`"
    in_run = "" if setting.pytest_only else f"`--{setting.name}{value and ' ' + value}`"
    return f"| {in_pytest} | {in_run} | `{setting.dest}` | {setting.help} |\n"


if __name__ == "__main__":
    from detectors_page import page

    DETECTORS.write_text(page())
    OPTIONS.write_text(options_page())
    SCHEMA.write_text(schema())
    ACTION.write_text(action_page())
