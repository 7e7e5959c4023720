"""The items of a target: which fail, with which words, and how pytest's own options treat them."""

from __future__ import annotations

import xml.etree.ElementTree as ET


def outcomes(result):
    return {
        line.split(" ", 1)[0]: line.split(" ", 1)[1].split(" ")[0].strip()
        for line in result.outlines
        if "::" in line
        and line.split(" ", 1)[1].split(" ")[0] in ("PASSED", "FAILED", "SKIPPED", "ERROR")
    }


def test_a_good_target_passes_all_items(run, vendor):
    result = run(f"--ato-target={vendor('good')}", "-v")
    found = outcomes(result)
    assert result.ret == 0
    assert {"good::capture", "good::exfil", "good::execution", "good::verdict"} <= set(found)
    assert set(found.values()) == {"PASSED"}


def test_only_the_items_of_what_was_found_fail(run, vendor):
    result = run(f"--ato-target={vendor('bad-shell')}", "-v")
    assert result.ret == 1
    failed = {name for name, outcome in outcomes(result).items() if outcome == "FAILED"}
    assert failed == {"bad-shell::execution", "bad-shell::verdict"}


def test_a_failure_says_what_by_whom_and_what_would_accept_it(run, vendor):
    target = vendor("bad-shell")
    result = run(f"--ato-target={target}", "-k", "execution")
    text = result.stdout.str()
    assert "execution: 1 critical finding (reverse_shell)" in text
    assert "by bad-shell -> sh (pid 101)" in text
    assert "Traceback" not in text
    accepting = [line for line in result.outlines if line.startswith("accept it with: ")]
    assert accepting
    assert accepting[0].endswith(f"--ato-target={target} -k execution --ato-allow=reverse_shell")


def test_the_accepting_line_is_true(run, vendor):
    result = run(f"--ato-target={vendor('bad-shell')}", "--ato-allow=reverse_shell")
    assert result.ret == 0
    assert "APPROVE WITH CONDITIONS" in result.stdout.str()


def test_the_gate_moves_with_fail_on(run, vendor):
    target = vendor("app-rawip")
    assert run(f"--ato-target={target}").ret == 1
    result = run(f"--ato-target={target}", "--ato-fail-on=reject", "-rP", "-v")
    assert result.ret == 0
    assert "MEDIUM raw_ip_egress" in result.stdout.str()  # told, though below the gate


def test_an_odd_end_is_a_condition_and_says_how_to_accept_it(run, vendor):
    target = vendor("app-odd")
    assert run(f"--ato-target={target}").ret == 0
    strict = run(f"--ato-target={target}", "--ato-fail-on=conditions")
    assert strict.ret == 1
    assert "--ato-expect-exit=3" in strict.stdout.str()
    assert run(f"--ato-target={target}", "--ato-fail-on=conditions", "--ato-expect-exit=3").ret == 0


def test_a_target_that_runs_on_is_for_review_unless_it_is_a_service(run, vendor):
    target = vendor("app-hang")
    result = run(f"--ato-target={target}", "-k", "verdict")
    assert result.ret == 1
    assert "--ato-service" in result.stdout.str()
    assert run(f"--ato-target={target}", "--ato-service").ret == 0


def test_nothing_passes_when_the_capture_was_not_whole(run, vendor):
    target = vendor("app-lost")
    result = run(f"--ato-target={target}", "-v")
    assert result.ret == 1
    assert set(outcomes(result).values()) == {"FAILED"}
    assert "7 events were lost" in result.stdout.str()
    assert run(f"--ato-target={target}", "-k", "dns").ret == 1


def test_inconclusive_can_be_allowed_and_is_still_no_pass(run, vendor):
    result = run(f"--ato-target={vendor('app-lost')}", "--ato-allow-inconclusive", "-v")
    assert result.ret == 0
    found = outcomes(result)
    assert found.pop("app-lost::verdict") == "PASSED"
    assert set(found.values()) == {"SKIPPED"}


def test_a_capture_that_dies_is_inconclusive(run, vendor):
    result = run(f"--ato-target={vendor('app-silent')}", "-k", "capture")
    assert result.ret == 1
    assert "it was told to" in result.stdout.str()


def test_what_cannot_be_audited_is_one_line_for_every_item(run, vendor):
    result = run(f"--ato-target={vendor('app-unavailable')}")
    text = result.stdout.str()
    assert result.ret == 1
    assert "app-unavailable could not be audited: this machine has no BTF" in text
    assert "site-packages" not in text
    assert "passed" not in result.outlines[-1]


def test_a_defect_of_ours_is_told_once_and_short(run, vendor):
    result = run(f"--ato-target={vendor('app-bug')}")
    text = result.stdout.str()
    assert result.ret == 1
    assert "ZeroDivisionError: a defect of ours" in text
    assert "def " not in text


def test_a_category_that_nobody_could_watch_is_skipped(run, vendor):
    result = run(f"--ato-target={vendor('good')}", "--ato-network=none", "-v", "-rs")
    assert result.ret == 0
    assert outcomes(result)["good::dns"] == "SKIPPED"
    assert "its detectors cannot work" in result.stdout.str()


def test_clashing_names_get_a_digest(run, vendor):
    first, second = vendor("app", "one"), vendor("app", "two")
    result = run(f"--ato-target={first}", f"--ato-target={second}", "-v", "-k", "capture")
    names = sorted(outcomes(result))
    assert len(names) == 2
    assert all(len(name) == len("app~12345678::capture") for name in names)
    again = run(f"--ato-target={second}", f"--ato-target={first}", "-v", "-k", "capture")
    assert sorted(outcomes(again)) == names


def test_the_same_target_twice_is_one(run, vendor):
    target = vendor("good")
    assert len(outcomes(run(f"--ato-target={target}", f"--ato-target=./{target}", "-v"))) == len(
        outcomes(run(f"--ato-target={target}", "-v"))
    )


def test_selection_by_keyword_and_by_deselection(run, vendor):
    target = vendor("bad-shell")
    assert set(outcomes(run(f"--ato-target={target}", "-v", "-k", "dns"))) == {"bad-shell::dns"}
    result = run(
        f"--ato-target={target}",
        "-v",
        "--deselect=bad-shell::execution",
        "--deselect=bad-shell::verdict",
    )
    assert result.ret == 0
    assert "bad-shell::execution" not in outcomes(result)


def test_collect_only_audits_nothing(run, vendor, pytester, scripted, monkeypatch):
    monkeypatch.setenv(scripted.JOURNAL, str(pytester.path / "journal"))
    result = run(f"--ato-target={vendor('bad-shell')}", "--collect-only", "-q")
    assert result.ret == 0
    assert "bad-shell::execution" in result.outlines
    assert not (pytester.path / "journal").exists()
    assert not (pytester.path / "ato-report").exists()
    assert "APPROVE" not in result.stdout.str()
    assert "REJECT" not in result.stdout.str()


def test_one_audit_serves_all_items(run, vendor, pytester, scripted, monkeypatch):
    monkeypatch.setenv(scripted.JOURNAL, str(pytester.path / "journal"))
    run(f"--ato-target={vendor('bad-shell')}")
    assert len((pytester.path / "journal").read_text().splitlines()) == 1
    assert scripted.ScriptedCapture.closed == 1


def test_junit_xml_has_verdict_report_and_run_id(run, vendor, pytester):
    run(f"--ato-target={vendor('bad-shell')}", "--junitxml=out.xml")
    cases = {
        case.get("name"): case for case in ET.parse(pytester.path / "out.xml").iter("testcase")
    }
    properties = {
        entry.get("name"): entry.get("value") for entry in cases["verdict"].iter("property")
    }
    assert cases["verdict"].get("classname") == "bad-shell"
    assert properties["ato_verdict"] == "REJECT"
    assert properties["ato_report"].endswith("ato-report/bad-shell/report.json")
    assert len(properties["ato_run_id"]) == 32


def test_items_stand_beside_ordinary_tests(run, vendor, pytester):
    pytester.makepyfile("def test_own(): pass")
    result = run(f"--ato-target={vendor('good')}", "-v")
    assert any("test_own PASSED" in line for line in result.outlines)
    assert outcomes(result)["good::verdict"] == "PASSED"
    only = run(f"--ato-target={vendor('good')}", "-v", "test_items_stand_beside_ordinary_tests.py")
    assert any("test_own PASSED" in line for line in only.outlines)
