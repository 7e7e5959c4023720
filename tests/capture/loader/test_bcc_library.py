"""Finding BCC's module, and refusing what only has its name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_ato.capture.loader.bcc_library import find, load
from pytest_ato.model.errors import CaptureUnavailable

CURE = "apt-get install python3-bpfcc"


def module(place: Path, text: str = "", *, genuine: bool = True) -> Path:
    folder = place / "bcc"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(text)
    if genuine:
        (folder / "libbcc.py").write_text("lib = None\n")
    return folder


def test_a_package_of_the_same_name_is_passed_over(tmp_path: Path) -> None:
    module(tmp_path / "venv", "raise SystemExit('imported')", genuine=False)
    folder = module(tmp_path / "dist")
    assert find([str(tmp_path / "venv"), str(tmp_path / "dist")]) == folder


def test_a_package_of_the_same_name_alone_is_refused_by_its_place(tmp_path: Path) -> None:
    wrong = module(tmp_path, genuine=False)
    with pytest.raises(CaptureUnavailable, match=CURE) as caught:
        find([str(tmp_path)])
    assert f"{wrong} only has the same name" in str(caught.value)


def test_no_package_at_all_is_told_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(CaptureUnavailable, match=CURE):
        find([str(tmp_path), ""])


@pytest.fixture(autouse=True)
def _modules_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "bcc"]:
        monkeypatch.delitem(sys.modules, name)


def test_the_parts_find_each_other_and_are_imported_once(tmp_path: Path) -> None:
    folder = module(tmp_path, "from .libbcc import lib\n'\\.'\nclass BPF: TRACEPOINT = 5\n")
    try:
        first = load(folder)
        assert first.TRACEPOINT == 5
        assert sorted(path.name for path in folder.iterdir()) == ["__init__.py", "libbcc.py"]
        assert load(folder) is first
    finally:
        sys.modules.pop("bcc.libbcc", None)
        sys.modules.pop("bcc", None)


@pytest.mark.parametrize(
    "text",
    ["raise OSError('libbcc.so.0: cannot open shared object file')", "import nosuch", "x = 1"],
)
def test_a_broken_one_is_told_with_the_cure(tmp_path: Path, text: str) -> None:
    with pytest.raises(CaptureUnavailable, match=CURE) as caught:
        load(module(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "bcc" not in sys.modules
