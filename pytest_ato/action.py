"""What `action.yml` runs: pytest on the inputs, then what later steps need of the reports.

Owns how inputs (variables of the environment, never words of a script) become options, and how
reports become outputs and a comment. The exit status is an output, so that reports are uploaded
before the job fails; whatever goes wrong here leaves none, and that fails, too.

Called as ``python -m pytest_ato.action gate|comment``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_ato.model.report import Report
from pytest_ato.model.verdict import Verdict
from pytest_ato.reports import github

OPTIONS: Final = {
    "INPUT_ARGS": "--ato-args",
    "INPUT_POLICY": "--ato-policy",
    "INPUT_BASELINE": "--ato-baseline",
    "INPUT_NETWORK": "--ato-network",
    "INPUT_FAIL_ON": "--ato-fail-on",
    "INPUT_SIGN_URI": "--ato-sign",
    "INPUT_REPORT_DIR": "--ato-report-dir",
    "INPUT_TIMEOUT": "--ato-timeout",
    "INPUT_RUNTIME": "--ato-runtime",
}
"""Inputs that are one option's value; an empty one is left to pytest's ini file."""
TITLE: Final = "pytest-ato"
REPORT_DIR: Final = "ato-report"
COMMENT_LIMIT: Final = 65_000
"""Characters of a comment; GitHub takes 65,536."""
MARK: Final = "<!-- pytest-ato -->"
"""By which an earlier comment is found, to be replaced."""
_NOTHING: Final = "--ignore-glob=*"
"""Of a run without tests of the user's: collect none that happen to lie there."""
_TIMEOUT: Final = 30.0


def main(words: Sequence[str]) -> int:
    """Run one step; returns its exit status."""
    if words == ["gate"]:
        return gate(os.environ)
    if words == ["comment"]:
        return comment(os.environ)
    print("usage: python -m pytest_ato.action gate|comment", file=sys.stderr)
    return 2


def gate(environment: Mapping[str, str]) -> int:
    """Run pytest and write the outputs, its exit status among them; returns 0 if that worked."""
    directory = Path(environment.get("INPUT_REPORT_DIR") or REPORT_DIR)
    try:
        options = arguments(environment)
    except ValueError as error:
        print(github.command("error", TITLE, str(error)))
        return 2
    before = time.time_ns()
    print("pytest", shlex.join(options), flush=True)
    command = [sys.executable, "-P", "-m", "pytest", *options]
    status = subprocess.run(command, check=False).returncode
    folders = sorted(_written(directory, before))
    if not folders and status == 0:
        print(github.command("error", TITLE, "pytest passed, but no program was audited"))
        status = 2
    raw = environment.get("INPUT_UPLOAD_EVENTS") == "true"
    _put(environment, {"status": str(status), **outputs(directory, folders, raw=raw)})
    return 0


def arguments(environment: Mapping[str, str]) -> list[str]:
    """Return pytest's options; raises ValueError for an input that cannot be meant."""
    targets = _lines(environment.get("INPUT_TARGET", ""))
    tests = _lines(environment.get("INPUT_TESTS", ""))
    if not targets and not tests:
        raise ValueError("the input target is empty: name a program to audit")
    options = [f"--ato-target={target}" for target in targets]
    options += [
        f"{option}={environment[name]}" for name, option in OPTIONS.items() if environment.get(name)
    ]
    if environment.get("INPUT_REQUIRE_HSM") == "true":
        options.append("--ato-require-hsm")
    try:
        options += shlex.split(environment.get("INPUT_PYTEST_ARGS", ""))
    except ValueError as error:
        raise ValueError(f"the input pytest-args cannot be split into words: {error}") from None
    return [*options, "--", *tests] if tests else [_NOTHING, *options]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _written(directory: Path, since: int) -> Iterator[Path]:
    """Directories of reports that were written after `since` (ns since the epoch)."""
    for path in directory.glob("*/report.json"):
        if not path.is_symlink() and path.stat().st_mtime_ns >= since:
            yield path.parent


def outputs(directory: Path, folders: Sequence[Path], *, raw: bool) -> dict[str, str]:
    """Return what later steps are told of the reports in `folders`, all below `directory`."""
    if not folders:
        return {}
    reports = {folder: _read(folder) for folder in folders}
    order = list(Verdict)  # best first, and INCONCLUSIVE, which nobody may overlook, last
    worst = max(folders, key=lambda folder: order.index(reports[folder].verdict))
    sarif = [folder / "results.sarif" for folder in folders]
    paths = [f"{directory}/", *([] if raw else [f"!{directory}/**/events.jsonl"])]
    digest = hashlib.sha256((worst / "report.json").read_bytes()).hexdigest()
    return {
        "verdict": reports[worst].verdict.value,
        "reports": json.dumps([folder.name for folder in folders]),
        "report-path": str(worst / "report.json"),
        "report-sha256": digest,
        "attestation-path": _there(worst / "attestation.dsse.json"),
        "sarif-path": str(directory) if len(sarif) > 1 else _there(sarif[0]),
        "artifacts": "\n".join(paths),
        "artifact-name": f"ato-report-{digest[:12]}",
    }


def _read(folder: Path) -> Report:
    import msgspec

    return msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)


def _there(path: Path) -> str:
    return str(path) if path.is_file() else ""


def _put(environment: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Append outputs. A target chooses a part of their text, so what ends each is random."""
    with Path(environment["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        for name, value in values.items():
            end = f"end-{uuid.uuid4().hex}"
            file.write(f"{name}<<{end}\n{value}\n{end}\n")


def comment(environment: Mapping[str, str]) -> int:
    """Write or replace the pull request's comment; failing at it is a warning, no verdict."""
    try:
        event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_bytes())
        number = event.get("pull_request", {}).get("number")
        if not isinstance(number, int):
            print("not a pull request: no comment")
            return 0
        directory = Path(environment.get("INPUT_REPORT_DIR") or REPORT_DIR)
        names = json.loads(environment["REPORTS"])
        body = _body(_read(directory / name) for name in names)
        _send(environment, number, body)
    except (OSError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        print(github.command("warning", TITLE, f"the comment could not be written: {reason}"))
    return 0


def _body(reports: Iterable[Report]) -> str:
    from pytest_ato.reports.markdown import summary

    text = MARK
    for report in reports:
        part = "\n" + summary(report).decode()
        if len(text) + len(part) > COMMENT_LIMIT:
            return text + "\nMore audits than a comment has room for: see the step's summary.\n"
        text += part
    return text


def _send(environment: Mapping[str, str], number: int, body: str) -> None:
    root = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}/issues"
    token = environment["GITHUB_TOKEN"]
    listed = _call("GET", f"{root}/{number}/comments?per_page=100", token)
    assert isinstance(listed, list)
    mine = next((each for each in listed if str(each.get("body", "")).startswith(MARK)), None)
    if mine:
        _call("PATCH", f"{root}/comments/{int(mine['id'])}", token, {"body": body})
    else:
        _call("POST", f"{root}/{number}/comments", token, {"body": body})


def _call(method: str, url: str, token: str, sent: Mapping[str, str] | None = None) -> object:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"not a URL of an API: {url}")
    request = urllib.request.Request(  # noqa: S310  (checked above)
        url,
        method=method,
        data=None if sent is None else json.dumps(sent).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
        return json.loads(answer.read())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
