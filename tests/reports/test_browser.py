"""`report.html` in a real Chromium: nothing is fetched, nothing complains, everything can be read.

At phone and desktop width, in light and dark, with the findings of a thief and with hostile names.
"""

from __future__ import annotations

import browser
import pytest

from pytest_ato.model.findings import Severity
from pytest_ato.reports.html import HtmlRenderer

SCREENS = [
    pytest.param(width, dark, id=f"{width}-{'dark' if dark else 'light'}")
    for width in (390, 1280)
    for dark in (False, True)
]

DARK = {"name": "prefers-color-scheme", "value": "dark"}

LEAST_CONTRAST = """
(() => {
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const found = colour(getComputedStyle(element).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  let worst = [99, ""];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !element.getClientRects().length || element.tagName === "title"
        || element.tagName === "desc") continue;
    const style = getComputedStyle(element);
    const ink = colour(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(ink), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.outerHTML.slice(0, 120)];
  }
  return worst;
})()
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """One browser for all."""
    with browser.browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def shown(chromium, tmp_path):
    """Opens a report and returns the page, with only what it did itself."""

    def show(made, width=1280, dark=False):
        path = tmp_path / "report.html"
        path.write_bytes(HtmlRenderer().render(made))
        chromium.look(width, 900, dark=dark)
        chromium.requests.clear()
        chromium.complaints.clear()
        chromium.open(path)
        chromium.value("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert [url for url in chromium.requests if url != "data:,"] == [path.as_uri()]
        assert chromium.complaints == []
        assert chromium.value("document.scripts.length") == 0
        return chromium

    return show


@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_loads_alone_fits_the_screen_and_can_be_read(
    shown, events, report, finding, width, dark
) -> None:
    found = [finding(severity, id=f"F-{n:03}", key=str(n)) for n, severity in enumerate(Severity)]
    page = shown(report(events, found), width, dark)
    assert page.value("document.documentElement.scrollWidth") <= width
    ratio, where = page.value(LEAST_CONTRAST)
    assert ratio >= 4.5, where
    background = page.value("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(244, 245, 247)") is not dark


def test_hostile_names_stay_text(shown, hostile_report, hostile_text) -> None:
    page = shown(hostile_report(hostile_text), 390)
    assert page.value("document.documentElement.scrollWidth") <= 390
    assert page.value("document.querySelectorAll('script, img, iframe, object, form').length") == 0


def test_every_chart_has_a_name_for_those_who_do_not_see_it(shown, events, report, finding) -> None:
    page = shown(report(events, [finding()]))
    assert page.value("document.querySelectorAll('svg[role=img]').length") >= 3
    named = "[...document.querySelectorAll('svg')].every(each => each.querySelector('title'))"
    assert page.value(named) is True


def test_can_be_printed(shown, events, report, finding) -> None:
    pdf = shown(report(events, [finding()])).pdf()
    assert pdf.startswith(b"%PDF")
    assert b"/Type /Page" in pdf or b"/Type/Page" in pdf


def test_on_paper_it_is_light_and_nothing_stays_folded(shown, events, report, finding) -> None:
    page = shown(report(events, [finding()]), 800, dark=True)
    page.value("document.querySelectorAll('details').forEach(each => each.open = false)")
    page.call("Emulation.setEmulatedMedia", media="print", features=[DARK])
    try:
        assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.value("getComputedStyle(document.body).color") == "rgb(28, 35, 48)"
        folded = "[...document.querySelectorAll('details')].map(each => each.lastElementChild)"
        seen = page.value(f"{folded}.map(each => each.checkVisibility())")
        assert len(seen) > 5
        assert all(seen)
    finally:
        page.call("Emulation.setEmulatedMedia", media="")
