"""The dashboard, as typed code: `python grafana/generate.py` writes its JSON.

Owns what an operator looks at first, and in which order. A test runs every query against a real
Prometheus, and compares the file with what this makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard, piechart, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import piechart as pie
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PATH: Final = Path(__file__).parent / "dashboards/ato-signature-verification.json"
_SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="ato-prometheus")
_GOOD, _BAD, _WARN = "green", "red", "orange"
_WIDTH: Final = 24
"""Columns of Grafana's grid."""


class _Board:
    """Panels in the order in which they are added, numbered, row by row."""

    def __init__(self) -> None:
        self.builder = dashboard.Dashboard("ATO signature verification")
        self._panels = 0

    def add(self, panel: Any, title: str, text: str, width: int, height: int) -> None:
        self._panels += 1
        panel.title(title).description(text).datasource(_SOURCE).id(self._panels)
        self.builder.with_panel(panel.span(width).height(height))


def _query(expression: str, legend: str = "", *, now: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expression).legend_format(legend).datasource(_SOURCE)
    return query.instant() if now else query.range()


def _queries(panel: Any, *queries: prometheus.Dataquery) -> Any:
    for letter, query in zip("ABCDEF", queries, strict=False):
        panel.with_target(query.ref_id(letter))
    return panel


def _color(name: str, color: str) -> tuple[str, list[model.DynamicConfigValue]]:
    fixed = {"mode": "fixed", "fixedColor": color}
    return name, [model.DynamicConfigValue(id_val="color", value=fixed)]


def _last() -> ReduceDataOptions:
    return ReduceDataOptions().calcs(["lastNotNull"])


def _pie(colors: dict[str, str], *queries: prometheus.Dataquery) -> Any:
    panel = piechart.Panel().pie_type(pie.PieChartType.PIE).reduce_options(_last())
    panel.display_labels([pie.PieChartLabels.NAME, pie.PieChartLabels.PERCENT])
    for name, color in colors.items():
        panel.override_by_name(*_color(name, color))
    return _queries(panel, *queries)


def _number(expression: str, unit: str, *steps: tuple[float, str]) -> Any:
    """A number, green until it reaches the first of `steps`."""
    thresholds = [model.Threshold(value=None, color=_GOOD)]
    thresholds += [model.Threshold(value=value, color=color) for value, color in steps]
    panel = stat.Panel().unit(unit).reduce_options(_last())
    panel.color_mode(common.BigValueColorMode.BACKGROUND)
    panel.thresholds(
        dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(thresholds)
    )
    return _queries(panel, _query(expression))


def _graph(unit: str, *queries: prometheus.Dataquery, colors: dict[str, str] | None = None) -> Any:
    panel = timeseries.Panel().unit(unit).min(0).fill_opacity(10)
    panel.legend(
        VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    for name, color in (colors or {}).items():
        panel.override_by_name(*_color(name, color))
    return _queries(panel, *queries)


def _table(expression: str) -> Any:
    query = _query(expression, now=True).format(PromQueryFormat.TABLE)
    panel = _queries(table.Panel(), query)
    hidden = {"excludeByName": {"Time": True}}
    return panel.with_transformation(model.DataTransformerConfig("organize", hidden))


def build() -> model.Dashboard:
    """Return the dashboard."""
    board = _Board()
    board.builder.uid("ato-signature-verification").tags(["pytest-ato", "evidence"])
    board.builder.description("Flows counted in the kernel: are their records signed?")
    board.builder.time("now-1h", "now").refresh("15s").timezone("browser").readonly()
    board.builder.tooltip(model.DashboardCursorSync.CROSSHAIR)
    _signatures(board)
    _traffic(board)
    _audits(board)
    return board.builder.build()


def _signatures(board: _Board) -> None:
    kinds = {"Verified": _GOOD, "Unverified": _BAD}
    board.add(
        _pie(
            kinds,
            _query("sum(ato_verified_flows_total)", "Verified"),
            _query("sum(ato_unverified_flows_total)", "Unverified"),
        ),
        "Verified vs Unverified Flows",
        "Flow records in the log under a head whose signature checked, and records whose signing "
        "failed in their round. What is signed later counts as both.",
        8,
        10,
    )
    for expression, unit, steps, title, text in (
        ("sum(ato_spool_flows)", units.Short, [(1, _BAD)], "Unsigned now", "0 is healthy."),
        (
            "time() - min(ato_last_append_timestamp_seconds)",
            units.Seconds,
            [(600, _WARN), (3600, _BAD)],
            "Log grew before",
            "Old is bad only while there is traffic.",
        ),
        (
            "max(ato_map_fill_ratio)",
            units.PercentUnit,
            [(0.75, _WARN), (0.9, _BAD)],
            "Map full",
            "Packets of new flows are lost when it is.",
        ),
        (
            'sum(ato_events_lost_total{kind="map_full"})',
            units.Short,
            [(1, _BAD)],
            "Packets in no flow",
            "They found the map full.",
        ),
    ):
        board.add(_number(expression, unit, *steps), title, text, 4, 5)
    board.add(
        _graph(
            units.CountsPerSecond,
            _query("sum(rate(ato_verified_flows_total[$__rate_interval]))", "Verified"),
            _query("sum(rate(ato_unverified_flows_total[$__rate_interval]))", "Unverified"),
            _query("sum(rate(ato_signed_evidence_total[$__rate_interval]))", "Signed records"),
            colors=kinds,
        ),
        "Records",
        "Flow records by what became of them, and the records of the log that hold them.",
        12,
        8,
    )
    buckets = "sum by (le) (rate(ato_sign_latency_seconds_bucket[$__rate_interval]))"
    board.add(
        _graph(
            units.Seconds,
            _query(f"histogram_quantile(0.5, {buckets})", "median"),
            _query(f"histogram_quantile(0.99, {buckets})", "99 of 100"),
        ),
        "Time of a signature",
        "With its verification and all attempts.",
        12,
        8,
    )
    board.add(
        _graph(
            units.Short,
            _query("sum by (kind) (increase(ato_hsm_errors_total[$__rate_interval]))", "{{kind}}"),
            _query("sum(increase(ato_log_errors_total[$__rate_interval]))", "log"),
        ),
        "Failures",
        "Of the key by kind, and of the log.",
        12,
        8,
    )
    board.add(
        _graph(units.BytesSI, _query("sum(ato_log_size_bytes)", "log")),
        "Size of the evidence log",
        "It only grows, until it is rotated.",
        12,
        8,
    )


def _traffic(board: _Board) -> None:
    board.add(
        _graph(
            units.BytesPerSecondSI,
            _query(
                "sum by (direction) (rate(ato_flow_bytes_total[$__rate_interval]))",
                "{{direction}}",
            ),
        ),
        "Bytes of flows",
        "As the kernel counted them; out: sent by what lies behind the interface.",
        12,
        8,
    )
    board.add(
        _graph(
            units.Short,
            _query("sum(ato_map_flows)", "flows in the map"),
            _query("sum(ato_spool_flows)", "unsigned records"),
        ),
        "Flows",
        "In the kernel's map, and waiting for a signature.",
        12,
        8,
    )
    board.add(
        _graph(
            units.Short,
            _query("sum by (kind) (increase(ato_events_lost_total[$__rate_interval]))", "{{kind}}"),
            _query("sum(increase(ato_spikes_total[$__rate_interval]))", "spikes"),
            _query("sum(increase(ato_malformed_packets_total[$__rate_interval]))", "malformed"),
        ),
        "Lost, spikes, malformed",
        "What the kernel could not count, and hints of anomalies.",
        12,
        8,
    )
    rounds = "sum by (le) (rate(ato_round_duration_seconds_bucket[$__rate_interval]))"
    board.add(
        _graph(units.Seconds, _query(f"histogram_quantile(0.99, {rounds})", "99 of 100")),
        "Time of a round",
        "From the walk over the map until its records are on the disk.",
        12,
        8,
    )


def _audits(board: _Board) -> None:
    verdicts = {
        "APPROVE": _GOOD,
        "APPROVE WITH CONDITIONS": "yellow",
        "REVIEW": _WARN,
        "REJECT": _BAD,
        "INCONCLUSIVE": "purple",
    }
    board.add(
        _pie(verdicts, _query("sum by (verdict) (ato_audits_total)", "{{verdict}}")),
        "Audits by verdict",
        "Of pytest runs with --ato-metrics.",
        8,
        9,
    )
    board.add(
        _table("sort_desc(sum by (category, severity) (ato_findings_total) > 0)"),
        "Findings",
        "By category and severity; waived ones are not counted.",
        8,
        9,
    )
    board.add(_table("ato_build_info"), "Builds", "Which version answers where.", 8, 9)


def text() -> str:
    """The dashboard's JSON, as it is in the file."""
    return JSONEncoder(sort_keys=True, indent=2).encode(build()) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())
