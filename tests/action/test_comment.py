"""The comment on a pull request, against a server that answers as GitHub's API does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from pytest_ato import action
from pytest_ato.audit import replay


class Api(BaseHTTPRequestHandler):
    """Keeps the comments of one issue."""

    comments: list[dict]
    broken = False

    def do_GET(self) -> None:
        self._answer(self.comments)

    def do_POST(self) -> None:
        self.comments.append({"id": len(self.comments) + 1, **self._read()})
        self._answer(self.comments[-1])

    def do_PATCH(self) -> None:
        number = int(self.path.rpartition("/")[2])
        self.comments[number - 1].update(self._read())
        self._answer(self.comments[number - 1])

    def _read(self) -> dict:
        assert self.headers["Authorization"] == "Bearer a-token"
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(500 if self.broken else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api():
    handler = type("Handler", (Api,), {"comments": [{"id": 1, "body": "of somebody else"}]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_port}"
        yield handler
        server.shutdown()
        thread.join()


@pytest.fixture
def environment(api, tmp_path: Path, monkeypatch) -> dict[str, str]:
    folder = tmp_path / "ato-report" / "tool"
    folder.mkdir(parents=True)
    log = tmp_path / "events.jsonl"
    log.write_text("not an event\n")
    (folder / "report.json").write_bytes(msgspec.json.encode(replay(log).report))
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    monkeypatch.chdir(tmp_path)
    return {
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_API_URL": api.url,
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_TOKEN": "a-token",
        "REPORTS": '["tool"]',
    }


def test_one_comment_is_written_and_then_replaced(api, environment):
    assert action.comment(environment) == 0
    assert action.comment(environment) == 0
    first, second = api.comments
    assert first["body"] == "of somebody else"
    assert second["body"].startswith(action.MARK)
    assert "INCONCLUSIVE" in second["body"]
    assert len(second["body"]) < action.COMMENT_LIMIT


def test_more_audits_than_a_comment_holds_are_named_as_such(api, environment):
    environment["REPORTS"] = json.dumps(["tool"] * 3000)
    assert action.comment(environment) == 0
    assert "More audits than" in api.comments[-1]["body"]
    assert len(api.comments[-1]["body"]) < 65_536


def test_what_fails_is_a_warning(api, environment, capsys, monkeypatch):
    api.broken = True
    assert action.comment(environment) == 0
    assert "::warning title=pytest-ato::the comment could not be written" in capsys.readouterr().out
    assert action.comment({**environment, "GITHUB_API_URL": "file:///etc"}) == 0
    assert "::warning" in capsys.readouterr().out


def test_without_a_pull_request_nothing_is_sent(api, environment, tmp_path, capsys):
    Path(environment["GITHUB_EVENT_PATH"]).write_text("{}")
    assert action.comment(environment) == 0
    assert "no comment" in capsys.readouterr().out
    assert len(api.comments) == 1
