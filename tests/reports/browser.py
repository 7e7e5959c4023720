"""A real Chromium, driven by its DevTools protocol: loads a page and tells what it did.

Owns the process and the protocol; which pages are looked at, and what is asserted, is for callers.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = """--headless=new --no-sandbox --hide-scrollbars --disable-background-networking
    --no-first-run --disable-sync --disable-component-update --disable-gpu
    --remote-debugging-port=0""".split()
START = 60.0
"""Seconds that it may take to start on a busy machine."""


@dataclass
class Page:
    """One tab, and all that happened in it."""

    connection: ClientConnection
    requests: list[str] = field(default_factory=list)
    """URLs that the page asked for, its own included."""
    complaints: list[str] = field(default_factory=list)
    """What a console would show."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, **parameters: object) -> dict:
        """Send a command and wait for its answer, noting the events before it."""
        number = next(self._numbers)
        self.connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.connection.recv(START))
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]
            self._note(message)

    def look(self, width: int, height: int, *, dark: bool) -> None:
        """Set the size of the screen, and which colours its owner prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, path: Path) -> None:
        """Load a file and wait until it is there."""
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + START
        while self.value("document.readyState + ' ' + location.protocol") != "complete file:":
            assert time.monotonic() < end, "the page did not load"
            time.sleep(0.02)

    def value(self, expression: str) -> object:
        """Return what a JavaScript expression is worth in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, *, whole: bool = False) -> bytes:
        """Return what is seen (or the whole page) as PNG."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def _note(self, message: dict) -> None:
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters)[:500])


@contextmanager
def browser(directory: Path) -> Iterator[Page]:
    """Start Chromium with `directory` as its profile, and end it."""
    assert CHROMIUM, "chromium is not installed (make test-packages)"
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={directory}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_address(directory, process), max_size=None) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(directory: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the first tab listens."""
    from urllib.request import urlopen

    told = directory / "DevToolsActivePort"
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        if told.exists() and (lines := told.read_text().splitlines()):
            with urlopen(f"http://127.0.0.1:{lines[0]}/json/list", timeout=START) as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return str(tabs[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError(f"chromium did not start (exit status {process.poll()})")
