"""Write `docs/tls.md` from a run of the matrix, as root: ``python tests/tls/tls_page.py``.

Owns the page's text. It writes nothing unless every client came out as the matrix says.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from matrix import FOUND, ROWS, Row
from tls_audits import audit, build, observe

from pytest_ato.audit import Auditor

PAGE: Final = Path(__file__).parents[2] / "docs" / "tls.md"

HEAD: Final = """\
# Inside TLS

Made from a run of the matrix in `tests/tls/` by `python tests/tls/tls_page.py`.

Two paths see what a program sends inside TLS: **probes** on the functions of OpenSSL, GnuTLS, NSS
and Go, attached to the files that carry them, stripped or linked in; and a **proxy** in the
sandbox's network, whose authority lasts one session and is in the sandbox's trust stores. Where
both saw the same bytes, one copy counts; where they differ, both do.

Each client sends a planted value. The test audits them all, and fails if one ends silent: the value
was found, or a finding says why not.

| client | seen by | the value | stayed opaque |
|--|--|--|--:|
"""

TAIL: Final = """
## The ledger

`coverage.tls` in `report.json` tells for each connection what went over the wire, what of it which
source saw (`seen_by`), and what nobody could read (`opaque_out`, `opaque_in`). `coverage.libraries`
lists the files whose functions were watched; one that appears later, dropped or unpacked, is
watched from when it is mapped (`late`), and one that can't be is told with the reason.

- The proxy counts all that it decrypts, so that where it ended TLS the figures are exact. What a
  source counted and did not keep (beyond 8 MiB of one connection) is opaque, too.
- Where no proxy was, the wire tells how much plaintext its records can hold: their bytes without
  heads, tags and nonces, as the version and the cipher that the server chose have them. A client's
  Finished, alerts, a server's encrypted handshake and 2 KiB of session tickets look like data in
  TLS 1.3, and are left out. Records beyond those that were recorded count in proportion; a
  difference of less than 2 % of them is taken for noise.
- Without a proxy, nobody answers TLS in a sinkhole: whoever tried is for REVIEW.
- `tls_uninspected` is a medium finding from 17 opaque bytes to one destination on: 16 is the
  shortest piece by which a planted value is recognised. A policy may set `max_opaque_bytes`. TLS
  that came to nothing, or on which nothing was said, is a low one.

## What is read

HTTP/1 and HTTP/2 (joined midway, too) and WebSocket, in clear and inside TLS: chunked and
multipart bodies are put together, gzip, deflate, brotli and zstd undone, up to 16 MiB of a body. A
finding tells the way, such as `tls > http body > gzip > base64`. Everything is also searched as it
was sent.

## What no row shows

- **TLS inside TLS**, with a library that no probe knows: the outer one is seen.
- **A client that pins**, with such a library: it shows what it is by refusing, not what it sends.
"""


def page(rows: Iterable[Row] = ROWS) -> str:
    """Render `docs/tls.md` from what the matrix says, which a run confirms."""
    return "".join([HEAD, *map(_row, rows), TAIL])


def _row(row: Row) -> str:
    link = f"[{row.what}](../tests/tls/clients/{row.source})"
    is_found = row.finding == FOUND
    missed = "not seen" if row.opaque else "not sent"
    value = "found" if is_found else f"{missed}: `{row.finding}`"
    via = ", ".join(row.via) or "nobody"
    opaque = row.opaque or ("0 %" if row.via else "nothing was sent")
    return f"| {link} | {via} | {value} | {opaque} |\n"


def main() -> int:
    """Run the matrix, write the page; 1 if a client did not come out as expected."""
    build()
    with tempfile.TemporaryDirectory() as directory, Auditor(report_dir=Path(directory)) as auditor:
        seen = observe(audit(auditor))
    for one in seen:
        for problem in one.problems:
            print(f"{one.row.name}: {problem}", file=sys.stderr)
    if any(one.problems for one in seen):
        return 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
