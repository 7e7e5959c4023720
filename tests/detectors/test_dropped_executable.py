"""dropped_executable: droppers are high; builds, unpackers and installers never above low."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.dropped_executable import DroppedExecutable
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity

APP = "/opt/vendor/app"
PYTHON = "/usr/bin/python3.11"
SH = "/usr/bin/dash"
LD = "/usr/bin/x86_64-linux-gnu-ld.bfd"
ADDRESS = "203.0.113.5"


class Story:
    """What a target does with files, in the words of these tests."""

    def __init__(self, log) -> None:
        self.log = log
        self.inodes: dict[str, int] = {}

    def write(self, pid: int, path: str, flags: int = os.O_WRONLY | os.O_CREAT) -> None:
        inode = self.inodes.setdefault(path, 500 + len(self.inodes))
        self.log.open(pid, path, flags, dev=1, inode=inode)

    def read(self, pid: int, path: str) -> None:
        self.log.open(pid, path, dev=1, inode=self.inodes[path])

    def run(self, pid: int, path: str, **fields) -> int:
        return self.log.spawn(pid, path, dev=1, inode=self.inodes[path], **fields)

    def run_script(self, pid: int, path: str, file: str = SH) -> int:
        child = self.log.fork(pid)
        self.log.exec(child, path, file=file, argv=(file, path), dev=1, inode=2)
        return child

    def map(self, pid: int, path: str, **fields) -> None:
        known = {"call": "mmap", "prot": 5, "flags": 2, "result": 0x7F0000000000}
        known |= {"file": path, "dev": 1, "inode": self.inodes[path]}
        self.log.add(ev.Map, pid=pid, **{**known, **fields})

    def remove(self, pid: int, path: str) -> None:
        self.log.add(ev.Unlink, pid=pid, call="unlinkat", path=path, file=path)

    def rename(self, pid: int, old: str, new: str) -> None:
        self.log.add(ev.Rename, pid=pid, call="rename", path=old, file=old, to=new, to_file=new)
        self.inodes[new] = self.inodes.pop(old)

    def link(self, pid: int, old: str, new: str, symbolic: bool) -> None:
        self.log.add(
            ev.Link,
            pid=pid,
            call="link",
            path=old,
            file=old,
            to=new,
            to_file=new,
            symbolic=symbolic,
        )

    def download(self, pid: int) -> None:
        self.log.tcp(pid, ADDRESS, 80, b"GET /agent HTTP/1.0\r\n\r\n", reply=b"\x7fELF")


@pytest.fixture
def story(log) -> Story:
    return Story(log)


def only(findings):
    (finding,) = findings
    return finding


# --- high ------------------------------------------------------------------------------------


def test_download_write_run(story, log, detect) -> None:
    story.download(log.root)
    story.write(log.root, "/home/user/agent")
    child = story.run(log.root, "/home/user/agent")
    finding = only(detect(DroppedExecutable, log))
    assert finding.key == "dropped_executable:run:~/agent"
    assert finding.rule == "ATO-EXE-025"
    assert finding.category is Category.EXECUTION
    assert finding.severity is Severity.HIGH
    assert "network" in finding.title
    assert finding.lineage[-1].pid == child
    assert finding.where == "/home/user/agent"


def test_the_file_is_opened_before_the_bytes_arrive(story, log, detect) -> None:
    story.write(log.root, "/home/user/agent")
    story.download(log.root)
    story.run(log.root, "/home/user/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_another_process_downloads(story, log, detect) -> None:
    curl = log.spawn(log.root, "/usr/bin/curl")
    story.download(curl)
    story.write(curl, "/home/user/agent")
    log.exit(curl)
    story.run(log.root, "/home/user/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


@pytest.mark.parametrize("reader", ["/usr/bin/tar", "/usr/bin/base64"])
def test_a_download_through_a_pipe(story, log, detect, reader: str) -> None:
    curl = log.spawn(log.root, "/usr/bin/curl", stdio=("null", "pipe", "null"))
    sink = log.spawn(log.root, reader, stdio=("pipe", "file", "null"))
    story.download(curl)
    story.write(sink, "/home/user/agent")
    story.run(log.root, "/home/user/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_a_download_through_a_command_substitution(story, log, detect) -> None:
    curl = log.spawn(log.root, "/usr/bin/curl", stdio=("null", "pipe", "null"))
    story.download(curl)
    story.write(log.root, "/home/user/agent")
    story.run_script(log.root, "/home/user/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_a_download_that_is_unpacked_by_another_process(story, log, detect) -> None:
    curl = log.spawn(log.root, "/usr/bin/curl")
    story.download(curl)
    story.write(curl, "/home/user/agent.gz")
    gunzip = log.spawn(log.root, "/usr/bin/gzip", "-d")
    story.read(gunzip, "/home/user/agent.gz")
    story.write(gunzip, "/home/user/agent")
    story.run(log.root, "/home/user/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_a_download_whose_owner_is_not_known(story, log, detect) -> None:
    log.add(
        ev.Tcp,
        connection=9,
        client="192.0.2.2",
        client_port=50000,
        address=ADDRESS,
        port=80,
        direction="in",
        data="agent",
    )
    story.write(log.root, "/home/user/agent")
    story.run(log.root, "/home/user/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_a_library_that_was_downloaded(story, log, detect) -> None:
    story.download(log.root)
    story.write(log.root, "/home/user/plugin.so")
    story.map(log.root, "/home/user/plugin.so")
    finding = only(detect(DroppedExecutable, log))
    assert finding.severity is Severity.HIGH
    assert finding.key == "dropped_executable:map:~"


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/dev/shm"])
def test_run_in_a_temporary_place_and_removed(story, log, detect, place: str) -> None:
    path = f"{place}/.cache-aX9kQ2"
    story.write(log.root, path)
    story.run(log.root, path)
    story.remove(log.root, path)
    finding = only(detect(DroppedExecutable, log))
    assert finding.severity is Severity.HIGH
    assert finding.key == f"dropped_executable:run:{place}/.cache-*"
    assert finding.evidence[-1].text.endswith("is removed")


def test_a_script_in_a_temporary_place_removed(story, log, detect) -> None:
    story.write(log.root, "/tmp/stage.sh")
    story.run_script(log.root, "/tmp/stage.sh")
    story.remove(log.root, "/tmp/stage.sh")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_removed_before_it_runs(story, log, detect) -> None:
    story.write(log.root, "/tmp/agent")
    story.remove(log.root, "/tmp/agent")
    story.run(log.root, "/tmp/agent", links=0, file="/tmp/agent (deleted)")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_a_detour_over_names(story, log, detect) -> None:
    story.write(log.root, "/tmp/data.txt")
    story.rename(log.root, "/tmp/data.txt", "/tmp/agent")
    story.run(log.root, "/tmp/agent")
    story.remove(log.root, "/tmp/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_a_program_that_calls_itself_ld(story, log, detect) -> None:
    liar = log.spawn(log.root, "/opt/vendor/ld")
    story.write(liar, "/tmp/agent")
    story.run(liar, "/tmp/agent")
    story.remove(liar, "/tmp/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


def test_a_linkers_output_that_the_target_changes(story, log, detect) -> None:
    linker = log.spawn(log.root, LD)
    story.write(linker, "/tmp/agent")
    story.write(log.root, "/tmp/agent", os.O_RDWR)
    story.run(log.root, "/tmp/agent")
    story.remove(log.root, "/tmp/agent")
    assert only(detect(DroppedExecutable, log)).severity is Severity.HIGH


# --- never above low ---------------------------------------------------------------------------


def is_low(findings) -> bool:
    return only(findings).severity is Severity.LOW


def test_compile_and_run(story, log, detect) -> None:
    story.write(log.spawn(log.root, LD), "/home/user/hello")
    story.run(log.root, "/home/user/hello")
    assert is_low(detect(DroppedExecutable, log))


def test_a_configure_script_in_a_temporary_place(story, log, detect) -> None:
    for _ in range(5):
        story.write(log.spawn(log.root, LD), "/tmp/build/conftest")
        story.run(log.root, "/tmp/build/conftest")
        story.remove(log.root, "/tmp/build/conftest")
    finding = only(detect(DroppedExecutable, log))
    assert finding.severity is Severity.LOW
    assert finding.count == 5


@pytest.mark.parametrize(
    ("tool", "args"),
    [("/usr/bin/tar", ()), ("/usr/bin/unzip", ()), ("/bin/busybox", ("tar", "-x"))],
)
def test_a_self_extracting_script(story, log, detect, tool: str, args) -> None:
    story.write(log.spawn(log.root, tool, *args), "/tmp/selfgz123/install")
    story.run(log.root, "/tmp/selfgz123/install")
    story.remove(log.root, "/tmp/selfgz123/install")
    assert is_low(detect(DroppedExecutable, log))


def test_a_program_that_unpacks_its_libraries(story, log, detect) -> None:
    for name in ("libpython3.11.so.1.0", "libssl.so.3", "_ctypes.so"):
        story.write(log.root, f"/tmp/_MEIaB3xQ9/{name}")
        story.map(log.root, f"/tmp/_MEIaB3xQ9/{name}")
        story.remove(log.root, f"/tmp/_MEIaB3xQ9/{name}")
    finding = only(detect(DroppedExecutable, log))
    assert finding.severity is Severity.LOW
    assert finding.key == "dropped_executable:map:/tmp/_MEI*"
    assert finding.count == 3


def test_own_output_that_stays(story, log, detect) -> None:
    story.write(log.root, "/tmp/agent")
    story.run(log.root, "/tmp/agent")
    assert is_low(detect(DroppedExecutable, log))


def test_a_copied_interpreter(story, log, detect) -> None:
    maker = log.spawn(log.root, PYTHON, "-m", "venv", "--copies", "environment")
    story.write(maker, "/home/user/environment/pyvenv.cfg")
    story.write(maker, "/home/user/environment/bin/python3")
    story.run(log.root, "/home/user/environment/bin/python3")
    assert is_low(detect(DroppedExecutable, log))


def test_a_build_after_an_unrelated_download(story, log, detect) -> None:
    story.download(log.spawn(log.root, "/usr/bin/curl"))
    story.write(log.spawn(log.root, LD), "/home/user/hello")
    story.run(log.root, "/home/user/hello")
    assert is_low(detect(DroppedExecutable, log))


@pytest.mark.parametrize("given", ["./bundle/tool", "bundle/tool", "../user/bundle/tool"])
def test_a_script_by_a_relative_path(story, log, detect, given: str) -> None:
    story.write(log.root, "/home/user/bundle/tool")
    story.run_script(log.root, given)
    finding = only(detect(DroppedExecutable, log))
    assert finding.key == "dropped_executable:run:~/bundle/tool"


@pytest.mark.parametrize("symbolic", [True, False])
def test_a_script_by_another_name(story, log, detect, symbolic: bool) -> None:
    story.write(log.root, "/home/user/tool-1.0")
    story.link(log.root, "/home/user/tool-1.0", "/home/user/tool", symbolic)
    story.run_script(log.root, "/home/user/tool")
    assert is_low(detect(DroppedExecutable, log))


# --- silent ------------------------------------------------------------------------------------


def test_compile_without_running(story, log, detect) -> None:
    story.write(log.spawn(log.root, LD), "/home/user/hello")
    nm = log.spawn(log.root, "/usr/bin/nm", "/home/user/hello")
    story.read(nm, "/home/user/hello")
    assert detect(DroppedExecutable, log) == ()


def test_written_made_executable_never_run(story, log, detect) -> None:
    story.download(log.root)
    story.write(log.root, "/home/user/script")
    log.add(ev.Chmod, pid=log.root, call="fchmodat", path="/home/user/script", mode=0o755)
    assert detect(DroppedExecutable, log) == ()


def test_an_interpreters_argument(story, log, detect) -> None:
    story.write(log.root, "/tmp/script.sh")
    log.spawn(log.root, "/bin/sh", "/tmp/script.sh", file=SH)
    story.remove(log.root, "/tmp/script.sh")
    assert detect(DroppedExecutable, log) == ()


@pytest.mark.parametrize("made_by", [("-m", "venv"), ("-m", "ensurepip"), ("-m", "pip")])
def test_pip_of_an_own_virtual_environment(story, log, detect, made_by) -> None:
    maker = log.spawn(log.root, PYTHON, *made_by)
    story.write(maker, "/home/user/environment/pyvenv.cfg")
    worker = log.spawn(maker, "/home/user/environment/bin/python3", "-c", "run", file=PYTHON)
    story.write(worker, "/home/user/environment/bin/pip")
    story.run_script(log.root, "environment/bin/pip", file=PYTHON)
    assert detect(DroppedExecutable, log) == ()


def test_the_interpreter_that_a_virtual_environment_links_to(story, log, detect) -> None:
    story.write(log.root, "/home/user/environment/pyvenv.cfg")
    story.link(log.root, PYTHON, "/home/user/environment/bin/python", symbolic=True)
    log.spawn(log.root, "environment/bin/python", file=PYTHON)
    assert detect(DroppedExecutable, log) == ()


def test_a_jit_that_maps_a_nameless_file_twice(story, log, detect) -> None:
    story.write(log.root, "/tmp/ffiAb3x9Q", os.O_RDWR | os.O_CREAT)
    story.remove(log.root, "/tmp/ffiAb3x9Q")
    story.map(log.root, "/tmp/ffiAb3x9Q", flags=1, links=0)
    assert detect(DroppedExecutable, log) == ()


def test_a_written_file_mapped_as_data_or_in_vain(story, log, detect) -> None:
    story.write(log.root, "/home/user/data")
    story.map(log.root, "/home/user/data", prot=3)
    story.map(log.root, "/home/user/data", result=-13)
    assert detect(DroppedExecutable, log) == ()


def test_an_open_for_writing_that_was_refused(story, log, detect) -> None:
    log.open(log.root, APP, os.O_RDWR, result=-26, dev=0, inode=0)
    log.spawn(log.root, APP, inode=0)
    assert detect(DroppedExecutable, log) == ()


def test_what_the_target_brought(story, log, detect) -> None:
    story.download(log.root)
    log.spawn(log.root, "/opt/vendor/helper", inode=77)
    log.add(ev.Map, pid=log.root, call="mmap", prot=5, file="/opt/vendor/lib.so", dev=1, inode=78)
    assert detect(DroppedExecutable, log) == ()


def test_an_inode_that_is_used_again(story, log, detect) -> None:
    story.download(log.root)
    log.open(log.root, "/tmp/page.html", os.O_WRONLY, dev=1, inode=900)
    story.remove(log.root, "/tmp/page.html")
    linker = log.spawn(log.root, LD)
    log.open(linker, "/home/user/hello", os.O_WRONLY, dev=1, inode=900)
    log.spawn(log.root, "/home/user/hello", dev=1, inode=900)
    finding = only(detect(DroppedExecutable, log))
    assert finding.where == "/home/user/hello"
