"""`ato replay`: same log, same findings, same bytes; no capture, no root."""

from __future__ import annotations


def test_replay_gives_the_same_report_twice(ato, program, tmp_path):
    assert ato("run", program("app-shell")).returncode == 1
    first = tmp_path / "ato-report/app-shell"
    for directory in ("one", "two"):
        result = ato("replay", str(first / "events.jsonl"), "-o", directory, scripted=False)
        assert result.returncode == 1
        assert "CRITICAL reverse_shell" in result.stdout
    for name in ("report.json", "report.md"):
        assert (
            len(
                {
                    (where / name).read_bytes()
                    for where in (first, tmp_path / "one/app-shell", tmp_path / "two/app-shell")
                }
            )
            == 1
        )


def test_replay_judges_by_its_own_gate(ato, program, tmp_path):
    ato("run", program("app-rawip"))
    log = str(tmp_path / "ato-report/app-rawip/events.jsonl")
    assert ato("replay", log, "-q").returncode == 1
    assert ato("replay", log, "-q", "--fail-on=reject").returncode == 0


def test_a_log_that_is_cut_off_is_inconclusive(ato, program, tmp_path):
    ato("run", program("app"))
    log = tmp_path / "ato-report/app/events.jsonl"
    cut = tmp_path / "cut.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join(line for line in lines if b'"kind":"end"' not in line))
    assert ato("replay", str(cut), "-q").returncode == 3


def test_what_is_no_log_is_refused(ato, tmp_path):
    for content in (b"", b"\x00\xff" * 100, b"{}\n", b"[]\n" * 3):
        (tmp_path / "log").write_bytes(content)
        result = ato("replay", "log", "-q")
        assert result.returncode in (2, 3)
        assert "Traceback" not in result.stderr
