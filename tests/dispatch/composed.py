"""A compose project on a real engine: started, asked, and ended with all that it made."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ato.runtime.docker.engine import Engine

ROOT = Path(__file__).parents[2]
FILES = ("docker/compose.yaml", "docker/compose.caps.yaml", "tests/dispatch/stack/compose.yaml")
PROFILES = ("monitoring", "app")
_LABEL = "com.docker.compose.project"


@dataclass(frozen=True)
class Project:
    """The flow stack under a name of its own."""

    compose: str
    """The program."""
    name: str
    engine: Engine
    environment: Mapping[str, str]
    """What the files are filled in with."""

    def run(self, *words: str) -> str:
        """Have compose do something; returns what it printed."""
        files = [word for file in FILES for word in ("-f", str(ROOT / file))]
        profiles = [word for profile in PROFILES for word in ("--profile", profile)]
        done = subprocess.run(
            [self.compose, "-p", self.name, *files, *profiles, *words],
            env={
                **os.environ,
                "COMPOSE_HTTP_TIMEOUT": "300",
                "COMPOSE_DOCKER_CLI_BUILD": "0",
                **self.environment,
            },
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def address(self, port: int) -> str:
        """Where the host reaches that port of the enclave."""
        return f"http://{self.run('port', 'enclave', str(port)).strip()}"

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine knows of each service's container."""
        found = self.engine.containers(all=True, filters=self._filter())
        return {
            one["Labels"]["com.docker.compose.service"]: self.engine.inspect_container(one["Id"])
            for one in found
        }

    def inside(self, service: str, *command: str) -> str:
        """What a command says in a service's container; asserts that it succeeds."""
        container = self.containers()[service]["Id"]
        begun = self.engine.exec_create(container, list(command))
        said: bytes = self.engine.exec_start(begun)
        status = self.engine.exec_inspect(begun)["ExitCode"]
        assert status == 0, said.decode(errors="replace")
        return said.decode()

    def log(self, service: str) -> str:
        """What a service's container wrote."""
        written: bytes = self.engine.logs(self.containers()[service]["Id"])
        return written.decode(errors="replace")

    def left(self) -> list[str]:
        """Names of what there is of this project."""
        volumes = self.engine.volumes(filters=self._filter())["Volumes"] or ()
        networks = self.engine.networks(filters=self._filter())
        return [*self.containers(), *(each["Name"] for each in (*volumes, *networks))]

    def _filter(self) -> dict[str, str]:
        return {"label": f"{_LABEL}={self.name}"}


def capabilities(status: str) -> dict[str, int]:
    """The capability sets of /proc/PID/status, as numbers."""
    return {name: int(bits, 16) for name, bits in re.findall(r"^Cap(\w+):\s*(\w+)", status, re.M)}
