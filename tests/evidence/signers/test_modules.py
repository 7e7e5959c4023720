"""Which PKCS#11 modules `ato doctor` names."""

from __future__ import annotations

from pathlib import Path

import pytest
from softhsm import Token

from pytest_ato.evidence.signers import modules


def test_a_machine_without_modules_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(modules, "_LIBRARIES", (str(tmp_path),))
    row = modules.check()
    assert (row.state, "not hardware-backed" in row.found) == ("optional", True)
    assert "apt-get install opensc, softhsm2" in row.cure


def test_a_module_has_one_row_whatever_links_lead_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(modules, "_LIBRARIES", (str(tmp_path), str(tmp_path / "lib64")))
    (tmp_path / "lib64").symlink_to(tmp_path)
    (tmp_path / "opensc-pkcs11.so").touch()
    row = modules.check()
    assert (row.state, row.found) == ("ok", f"{tmp_path}/opensc-pkcs11.so (OpenSC)")


@pytest.mark.hsm
def test_the_module_that_signs_in_these_tests_is_known(token: Token) -> None:
    assert any(path.samefile(token.module) for path in modules.installed())
