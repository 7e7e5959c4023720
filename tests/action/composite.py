"""Runs the `run:` steps of a composite action as a runner does, with files in GitHub's place.

Owns as much of the expression language as `action.yml` uses. Steps with `uses:` are noted, not run.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_OUTPUT = re.compile(r"^(?P<name>[\w-]+)<<(?P<end>\S+)\n(?P<value>.*?)\n(?P=end)\n", re.M | re.S)


@dataclass
class Composite:
    """One job's use of the action in `workspace`; attributes are what came of it."""

    workspace: Path
    inputs: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    """Outputs by step."""
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """Actions that would have run, with their inputs."""
    codes: dict[str, int] = field(default_factory=dict)
    """Exit status of each run: step, by name."""
    printed: str = ""

    def run(self) -> Composite:
        action = yaml.safe_load((ROOT / "action.yml").read_bytes())
        defaults = {name: each.get("default", "") for name, each in action["inputs"].items()}
        self.inputs = {**defaults, **self.inputs}
        failed = False
        for step in action["runs"]["steps"]:
            condition = str(step.get("if", "success()"))
            condition = condition.removeprefix("${{").removesuffix("}}")
            if failed and "always()" not in condition:
                continue
            if not self._value(condition):
                continue
            if "uses" in step:
                self.used[step["uses"].partition("@")[0]] = self._all(step.get("with", {}))
                self.steps.setdefault(step.get("id", ""), {"python-path": "python3"})
                continue
            code = self._shell(step)
            self.codes[step["name"]] = code
            failed = failed or code != 0
        self.failed = failed
        self.outputs = {name: self._text(each["value"]) for name, each in action["outputs"].items()}
        return self

    def _shell(self, step: dict) -> int:
        assert step["shell"] == "bash"
        output = self.workspace / ".github-output"
        output.write_text("")
        environment = {
            **os.environ,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.workspace / ".github-summary"),
            "GITHUB_ENV": str(self.workspace / ".github-env"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "NO_COLOR": "1",
            **self.variables,
            **self._all(step.get("env", {})),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
        )
        self.printed += done.stdout
        found = {each["name"]: each["value"] for each in _OUTPUT.finditer(output.read_text())}
        self.steps[step.get("id", "")] = found
        return done.returncode

    def _all(self, values: dict) -> dict[str, str]:
        return {name: self._text(str(value)) for name, value in values.items()}

    def _text(self, text: str) -> str:
        return _EXPRESSION.sub(lambda match: str(self._value(match[1])), text)

    def _value(self, expression: str) -> object:
        """Terms joined by &&; a term is a call, a name, a literal, or two of them compared."""
        for term in expression.split("&&"):
            left, operator, right = re.fullmatch(
                r"\s*(\S+)(?:\s*(==|!=)\s*(\S+))?\s*", term
            ).groups()
            value = self._term(left)
            if operator:
                value = (value == self._term(right)) == (operator == "==")
            if not value:
                return value
        return value

    def _term(self, word: str) -> object:
        if word in ("always()", "success()"):
            return True
        if word.startswith("'"):
            return word.strip("'")
        match word.split("."):
            case ["inputs", name]:
                return self.inputs[name]
            case ["steps", step, "outputs", name]:
                return self.steps.get(step, {}).get(name, "")
            case ["github", "token"]:
                return "a-token"
        raise AssertionError(f"an expression that this runner does not know: {word}")
