"""A real Prometheus scrapes a real dispatcher of real traffic, and the dashboard has data."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from pytest_ato.flows.attachment import Attachment
from pytest_ato.metrics import sinks
from pytest_ato.metrics.audits import Audits

from ..metrics.listening import listening  # noqa: TID252
from .conftest import Pair, Service, Stack

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "grafana/dashboards/ato-signature-verification.json"
CONFIG = ROOT / "docker/prometheus.yml"
ALERTS = ROOT / "docker/alerts.yml"


def targets() -> list[tuple[str, dict[str, Any]]]:
    """Every query of the dashboard, with the title of its panel."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [(panel["title"], target) for panel in panels for target in panel["targets"]]


def test_the_dashboard_is_what_its_code_makes() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "import generate; print(generate.text(), end='')"],
        cwd=ROOT / "grafana",
        capture_output=True,
        text=True,
        check=True,
    )
    assert DASHBOARD.read_text() == made.stdout, "run: python grafana/generate.py"


def test_the_dashboard_begins_with_the_pie_chart() -> None:
    first = json.loads(DASHBOARD.read_text())["panels"][0]
    assert (first["type"], first["title"]) == ("piechart", "Verified vs Unverified Flows")
    assert [target["expr"] for target in first["targets"]] == [
        "sum(ato_verified_flows_total)",
        "sum(ato_unverified_flows_total)",
    ]


def test_provisioning_names_the_source_of_the_dashboard() -> None:
    folder = ROOT / "grafana/provisioning"
    source = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"][0]
    assert {target["datasource"]["uid"] for _, target in targets()} == {source["uid"]}
    provider = yaml.safe_load((folder / "dashboards/ato.yml").read_text())["providers"][0]
    assert provider["type"] == "file"


def test_every_alert_fires_and_only_then(tmp_path: Path) -> None:
    subprocess.run(["promtool", "check", "config", CONFIG], check=True, capture_output=True)
    tests = Path(__file__).with_name("alerts.test.yml")
    done = subprocess.run(["promtool", "test", "rules", tests], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    fired = {
        check["alertname"]
        for test in yaml.safe_load(tests.read_text())["tests"]
        for check in test["alert_rule_test"]
        if check.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in rules}


@pytest.fixture
def traffic(pair: Pair, stack: Stack) -> Iterator[None]:
    """Talk between two namespaces, counted at the outer end of their veth."""
    ended = threading.Event()

    def talk() -> None:
        for port in range(7000, 60000):
            pair.talk(size=20_000, port=port)
            if ended.wait(0.05):
                return

    with Attachment(stack.program, pair.interface, pair.outer):
        thread = threading.Thread(target=talk)
        thread.start()
        yield
        ended.set()
        thread.join()


@pytest.fixture
def prometheus(
    serve: Callable[..., Service], traffic: None, tmp_path: Path
) -> Iterator[SimpleNamespace]:
    """Debian's Prometheus with our configuration, but for ports and patience."""
    audits = tmp_path / "ato.prom"
    sinks.add(str(audits), Audits(Counter({"REJECT": 1}), Counter({("exfil", "high"): 2})))
    service = serve(f"--audits={audits}", "--interval=0.3")
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    config["rule_files"] = [str(ALERTS)]
    (dispatcher,) = [job for job in config["scrape_configs"] if job["job_name"] == "ato-dispatcher"]
    assert dispatcher["static_configs"] == [{"targets": ["127.0.0.1:9400"]}]
    dispatcher["static_configs"] = [{"targets": [f"127.0.0.1:{service.port}"]}]
    config["scrape_configs"] = [dispatcher]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                "--web.listen-address=127.0.0.1:0",
            ],
            stderr=log,
        )
        try:
            url = listening(tmp_path / "log", process)
            yield SimpleNamespace(service=service, get=lambda path: _get(f"{url}/api/v1/{path}"))
        finally:
            process.terminate()
            process.wait()


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        found = json.load(answer)
    assert found["status"] == "success"
    return found["data"]


@pytest.mark.privileged
def test_every_query_of_the_dashboard_has_data(prometheus: SimpleNamespace, stack: Stack) -> None:
    def query(expression: str) -> list[Any]:
        asked = urllib.parse.quote(expression.replace("$__rate_interval", "5s"))
        found: list[Any] = prometheus.get(f"query?query={asked}")["result"]
        return found

    until = time.monotonic() + 60
    while not query("count_over_time(ato_verified_flows_total[5s]) > 4"):
        assert time.monotonic() < until, "Prometheus scraped nothing"
        time.sleep(0.2)
    without = [(title, target["expr"]) for title, target in targets() if not query(target["expr"])]
    assert without == []
    numbers = [
        float(result["value"][1])
        for _, target in targets()
        for result in query(target["expr"])
        if "histogram" in target["expr"]
    ]
    assert all(0 < number < 60 for number in numbers)
    assert float(query("sum(rate(ato_flow_bytes_total[5s]))")[0]["value"][1]) > 1000
    assert query('ato_audits_total{verdict="REJECT"}')[0]["value"][1] == "1"
    assert {
        rule["health"] for group in prometheus.get("rules")["groups"] for rule in group["rules"]
    } == {"ok"}
    scraped = float(query("ato_verified_flows_total")[0]["value"][1])
    assert prometheus.service.end() == (0, "")
    flows = stack.evidence().values()
    assert {flow.protocol for flow in flows} >= {"tcp"}
    assert sum(flow.records for flow in flows) >= scraped > 0
