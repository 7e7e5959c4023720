#!/usr/bin/python3
"""good_sample: a vendor script that does honest work, for the demo and the tests. No finding.

step            what it does
read_settings   reads its own ~/.vendor.json, which it writes first if there is none
checksum        SHA-256 of its own file
fetch           one GET from a named host
main            writes what it found to ~/inventory.txt
"""

import hashlib
import http.client
import json
from pathlib import Path

DEFAULTS = {"host": "updates.vendor.example"}


def read_settings() -> dict[str, str]:
    path = Path.home() / ".vendor.json"
    if not path.exists():
        path.write_text(json.dumps(DEFAULTS))
    return json.loads(path.read_text())


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(host: str) -> str:
    """Say what the host answered to GET /version."""
    connection = http.client.HTTPConnection(host, timeout=2)
    try:
        connection.request("GET", "/version")
        return f"{host} answered {len(connection.getresponse().read())} bytes"
    except (OSError, http.client.HTTPException) as error:
        return f"{host} did not answer: {error}"
    finally:
        connection.close()


def main() -> None:
    answer = fetch(read_settings()["host"])
    report = Path.home() / "inventory.txt"
    report.write_text(f"sha256 {checksum(Path(__file__))}\n{answer}\n")
    print(f"{answer}: {report}")


if __name__ == "__main__":
    main()
