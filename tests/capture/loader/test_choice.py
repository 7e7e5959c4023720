"""Which loader is taken, and what is said when none can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.capture.loader import bcc_library, choice, headers
from pytest_ato.capture.loader.bcc import BccLoader
from pytest_ato.capture.loader.core import CoreLoader
from pytest_ato.model.errors import CaptureUnavailable


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make this look like a kernel with or without BTF, on a machine with or without BCC."""

    def make(*, btf: bool, bcc: bool, has_headers: bool = True) -> None:
        monkeypatch.setattr(choice, "BTF", Path("/") if btf else tmp_path / "vmlinux")
        if not bcc:
            monkeypatch.setattr(bcc_library, "_MARK", "no module has this file")
        if not has_headers:
            monkeypatch.setattr(headers, "MODULES", tmp_path)

    return make


def test_auto_takes_core_where_the_kernel_has_btf(kernel) -> None:
    kernel(btf=True, bcc=False)
    assert isinstance(choice.choose("auto"), CoreLoader)


@pytest.mark.usefixtures("bcc")
def test_auto_takes_bcc_where_it_has_none(kernel) -> None:
    kernel(btf=False, bcc=True)
    assert isinstance(choice.choose("auto"), BccLoader)


@pytest.mark.parametrize("btf", [True, False])
def test_core_is_never_exchanged(kernel, btf: bool) -> None:
    kernel(btf=btf, bcc=True)
    assert isinstance(choice.choose("core"), CoreLoader)


@pytest.mark.usefixtures("bcc")
def test_bcc_is_taken_where_it_is_asked_for(kernel) -> None:
    kernel(btf=True, bcc=True)
    assert isinstance(choice.choose("bcc"), BccLoader)


def test_where_neither_works_one_error_names_both_and_what_to_install(kernel) -> None:
    kernel(btf=False, bcc=False)
    with pytest.raises(CaptureUnavailable) as caught:
        choice.choose("auto")
    text = str(caught.value)
    assert "\n" not in text
    for part in ("core", "CONFIG_DEBUG_INFO_BTF=y", "bcc", "apt-get install python3-bpfcc"):
        assert part in text


@pytest.mark.usefixtures("bcc")
def test_headers_are_missed_before_anything_is_started(kernel) -> None:
    kernel(btf=False, bcc=True, has_headers=False)
    with pytest.raises(CaptureUnavailable, match="apt-get install linux-headers-"):
        choice.choose("auto")


def test_bcc_alone_is_told_of_its_own_lack(kernel) -> None:
    kernel(btf=True, bcc=False)
    with pytest.raises(CaptureUnavailable, match=r"^BCC is not installed"):
        choice.choose("bcc")
