"""Take the screenshots of the documentation: ``python docs/screenshots.py REPORT.html``.

Owns what is shown and how large; the browser is the one of the tests.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "reports"))

from browser import Page, browser  # noqa: E402

SHOTS = {
    "report.png": (1120, 760, False, ""),
    "report-dark.png": (1120, 760, True, "#timeline"),
    "report-network.png": (1120, 700, False, "#network"),
    "report-compliance.png": (1120, 700, False, "#compliance"),
    "report-phone.png": (390, 760, False, ""),
    "report-phone-dark.png": (390, 760, True, "#honeytokens"),
}
"""File to width and height in pixels, whether dark, and what is at the top (empty: the start)."""


def main(report: Path) -> None:
    """Write all of them into `docs/images/`."""
    images = HERE / "images"
    images.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        browser(Path(profile)) as page,
    ):
        for name in SHOTS:
            (images / name).write_bytes(_shot(page, report, name))


def _shot(page: Page, report: Path, name: str) -> bytes:
    width, height, dark, section = SHOTS[name]
    page.look(width, height, dark=dark)
    page.open(report)
    page.value("document.documentElement.style.scrollBehavior = 'auto'")
    if section:
        page.value(f"document.querySelector({section!r}).scrollIntoView()")
        page.value("window.scrollBy(0, -14)")
    return page.screenshot()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
