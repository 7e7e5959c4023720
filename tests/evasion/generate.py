"""Write `docs/evasion.md` from a run of the suite, as root: ``python tests/evasion/generate.py``.

Owns the page's text. It writes nothing unless every way came out as the manifest says.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from observe import Observation, audit, build, observe
from suite import Way, ways

from pytest_ato.audit import Auditor
from pytest_ato.model.verdict import Verdict

PAGE: Final = Path(__file__).parents[2] / "docs" / "evasion.md"

HEAD: Final = """\
# Ways round tracers

Made from a run of the suite in `tests/evasion/` by `python tests/evasion/generate.py`.

Each row is a small program that does one thing which is known to pass tracers, sandboxes or
scanners. The test audits them all, and fails if one comes out as APPROVE or otherwise than here.

- **detected**: the trick worked, and the named detector found it.
- **blocked**: the kernel or the sandbox refused it, and the named detector found the attempt.
- **degraded**: the trick worked unseen, and the verdict says what could not be seen.

The first source answers the question first, the second is of another kind, so that a way round one
is not a way round both. Where it says "none", the finding rests on one source alone.

What a kernel or its administrator does not give (io_uring, user namespaces) is skipped there.
"""

TAIL: Final = """
## What no row shows

- **A value from the program's own environment that leaves under a key, as an order or a timing, or
  in pieces of less than 16 characters.** Reading one's own environment is no event, so "read, then
  sent" knows of files only. What is left is the destination itself: it is in the report.
- **A program that does nothing today.** Code that waits for a date, a machine or an answer of its
  server does nothing in an audit. A loop of calls that no probe reports, to measure time, leaves no
  mark; nor does the time that probes take go away.
- **The kernel's own faults.** A target that takes over the kernel takes over what watches it.
"""


def page(observations: Iterable[Observation]) -> str:
    """Render `docs/evasion.md`."""
    return "".join([HEAD, *_sections(observations), TAIL])


def _sections(observations: Iterable[Observation]) -> Iterator[str]:
    for family, members in groupby(observations, lambda seen: seen.way.family):
        yield f"\n## {family}\n\n"
        yield "| way | trick, and where it is known from | sources | result | verdict |\n"
        yield "|--|--|--|--|--|\n"
        yield from map(_row, members)


def _row(seen: Observation) -> str:
    way = seen.way
    trick = f"{way.trick}<br>*{way.known_from}*"
    sources = f"1. {way.first}<br>2. {way.second}"
    cells = (link(way), trick, sources, way.expected, str(seen.verdict))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def link(way: Way) -> str:
    """The way's name, leading to its source."""
    return f"[{way.name}](../tests/evasion/programs/{way.source.name})"


def main() -> int:
    """Run the suite, write the page; 1 if a way did not come out as expected."""
    build()
    with tempfile.TemporaryDirectory() as directory, Auditor(report_dir=Path(directory)) as auditor:
        seen = [observe(way, audit(auditor, way)) for way in ways()]
    wrong = [one for one in seen if one.result != one.way.expected]
    wrong += [one for one in seen if one.verdict is Verdict.APPROVE and one not in wrong]
    for one in wrong:
        print(f"{one.way.name}: expected {one.way.expected}, got {one.result}", file=sys.stderr)
    if wrong:
        return 1
    PAGE.write_text(page(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
