"""What a target may try against the host, from inside the real sandbox: all of it must fail.

Every probe counts what it tried, so that a probe that found nothing to try fails its test.
"""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.privileged

OPEN_ALL = """
import os, json
def writable(top):
    tried, opened = 0, []
    for folder, _, names in os.walk(top):
        for name in names:
            tried += 1
            try:
                os.close(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_NONBLOCK))
                opened.append(f"{folder}/{name}")
            except OSError:
                pass
    return tried, opened
"""

USER_NAMESPACE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    return 0 if getattr(libc, name)(*args) >= 0 else ctypes.get_errno()
def become_root_of_a_namespace():
    uid, gid = os.getuid(), os.getgid()
    result = call("unshare", 0x10000000 | 0x00020000 | 0x20000000)  # user, mount, pid
    if result == 0:
        open("/proc/self/setgroups", "w").write("deny")
        open("/proc/self/uid_map", "w").write(f"0 {uid} 1")
        open("/proc/self/gid_map", "w").write(f"0 {gid} 1")
    return result
"""


def test_nothing_below_proc_sys_opens_for_writing(run):
    outcome = run(OPEN_ALL + "print(json.dumps(writable('/proc/sys')))", python=True)
    tried, opened = json.loads(outcome.stdout)
    assert tried > 100
    assert opened == []


def test_the_rest_of_proc_is_closed_as_well(run):
    text = OPEN_ALL + (
        "names = [n for n in os.listdir('/proc') if not n.isdecimal() and 'self' not in n]\n"
        "files = [n for n in names if os.path.isfile(f'/proc/{n}')]\n"
        "open_files = [n for n in files if os.access(f'/proc/{n}', os.W_OK)]\n"
        "tried, opened = map(list, zip(*(writable(f'/proc/{n}') for n in names)))\n"
        "print(json.dumps([len(files) + sum(tried), open_files + sum(opened, [])]))"
    )
    tried, opened = json.loads(run(text, python=True).stdout)
    assert tried > 100
    assert opened == [], opened


def test_what_opens_of_pid_1_takes_nothing(run):
    # timerslack_ns and attr/* are of mode 0666 for every process; the kernel asks at the write.
    text = OPEN_ALL + (
        "tried, opened = writable('/proc/1')\n"
        "taken = []\n"
        "for name in opened:\n"
        "    try:\n"
        "        with open(name, 'wb', 0) as file:\n            file.write(b'1')\n"
        "        taken.append(name)\n"
        "    except OSError:\n        pass\n"
        "print(json.dumps([tried, taken]))"
    )
    tried, taken = json.loads(run(text, python=True).stdout)
    assert tried > 20
    assert taken == [], taken


def test_a_user_namespace_of_its_own_opens_nothing(run):
    text = (
        OPEN_ALL
        + USER_NAMESPACE
        + """
result = become_root_of_a_namespace()
report = {"unshare": result}
report["umount"] = call("umount2", b"/proc/sys", 0), call("umount2", b"/proc/sys", 2)
report["remount"] = call("mount", b"none", b"/proc/sys", None, 32 | 4096, None)
report["remount_usr"] = call("mount", b"none", b"/usr", None, 32 | 4096, None)
report["remount_root"] = call("mount", b"none", b"/", None, 32 | 4096, None)
if os.fork() == 0:
    os.mkdir("/tmp/proc")
    report["proc"] = call("mount", b"proc", b"/tmp/proc", b"proc", 0, None)
    report["sysfs"] = call("mount", b"sysfs", b"/tmp/proc", b"sysfs", 0, None)
    report["cgroup2"] = call("mount", b"cgroup2", b"/tmp/proc", b"cgroup2", 0, None)
    report["bpf"] = call("mount", b"none", b"/proc/sys", b"/proc/sys", 4096, None)
    report["opened"] = writable("/proc/sys")
    print(json.dumps(report), flush=True)
    os._exit(0)
os.wait()
"""
    )
    outcome = run(text, python=True)
    report = json.loads(outcome.stdout)
    assert all(report["umount"])
    assert report["remount"]
    assert report["remount_usr"]
    assert report["remount_root"]
    assert report["proc"], "a new proc would have a writable sys"
    assert report["sysfs"]
    assert report["cgroup2"]
    assert report["opened"][0] > 100
    assert report["opened"][1] == []


@pytest.mark.parametrize("name", ["environ", "mem", "maps", "auxv", "syscall", "stack", "io"])
def test_pid_1_cannot_be_read(run, name):
    outcome = run(f"cat /proc/1/{name} >/dev/null && echo read; echo tried")
    assert outcome.stdout == b"tried\n"
    assert b"ermission" in outcome.stderr or b"not permitted" in outcome.stderr


@pytest.mark.parametrize("name", ["root", "cwd", "exe", "fd", "ns/mnt", "map_files"])
def test_nothing_is_reached_through_pid_1(run, name):
    outcome = run(f"ls /proc/1/{name}/ && echo listed; readlink /proc/1/{name} && echo read; true")
    assert outcome.stdout == b""
    assert b"ermission" in outcome.stderr


def test_the_command_line_of_pid_1_says_nothing(run):
    outcome = run("tr -d '\\0' </proc/1/cmdline; cat /proc/1/comm")
    assert outcome.stdout == b"initinit\n"


def test_pid_1_cannot_be_traced_killed_or_entered(run):
    text = """
import ctypes, json, os, signal
libc = ctypes.CDLL(None, use_errno=True)
def number(function, *args):
    result = function(*args)
    return 0 if result >= 0 else ctypes.get_errno()
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
def vector(address, size):
    return ctypes.byref(Vector(address, size)), 1
here = ctypes.addressof(ctypes.create_string_buffer(8))
report = {
    "attach": number(libc.ptrace, 16, 1, 0, 0),
    "seize": number(libc.ptrace, 0x4206, 1, 0, 0),
    "vm_read": number(libc.process_vm_readv, 1, *vector(here, 8), *vector(0x400000, 8), 0),
}
handle = os.pidfd_open(1)
report["steal"] = number(libc.syscall, 438, handle, 3, 0)  # pidfd_getfd
report["enter"] = number(libc.setns, handle, 0x00020000)
try:
    os.kill(1, signal.SIGKILL)
    report["kill"] = 0
except PermissionError:
    report["kill"] = 1
print(json.dumps(report))
"""
    outcome = run(text, python=True)
    report = json.loads(outcome.stdout)
    assert len(report) == 6
    assert all(report.values()), report
    assert outcome.empty


def test_only_the_three_streams_are_inherited(run):
    outcome = run(
        "import os, json; names = sorted(int(n) for n in os.listdir('/proc/self/fd'))\n"
        "def valid(fd):\n"
        "    try:\n        return bool(os.fstat(fd))\n    except OSError:\n        return False\n"
        "print(json.dumps([n for n in range(4096) if valid(n)]))",
        python=True,
    )
    # 3 is the script itself, which Python holds open while it runs it.
    assert set(json.loads(outcome.stdout)) <= {0, 1, 2, 3}
    assert run("ls -l /proc/$$/fd >list; grep -c pipe list").stdout == b"3\n"


def test_no_capability_and_no_way_to_one(run):
    outcome = run("grep -E '^(Cap|NoNewPrivs|Groups|Uid|Seccomp:)' /proc/self/status")
    status = dict(line.split(":", 1) for line in outcome.stdout.decode().splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Groups"].strip() == ""
    assert "0" not in status["Uid"].split()


def test_a_setuid_program_gives_nothing(run):
    # su and mount are setuid root on every Debian; their effective uid is seen in the process.
    text = """
import os, subprocess, json
found = [p for d in ("/usr/bin", "/usr/sbin") for n in os.listdir(d)
         if os.path.isfile(p := f"{d}/{n}") and os.stat(p).st_mode & 0o4000]
child = subprocess.Popen(["/usr/bin/su", "-c", "id -u"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
uids = open(f"/proc/{child.pid}/status").read().split("Uid:")[1].split()[:4]
out, _ = child.communicate(b"\\n")
print(json.dumps([len(found), uids, child.returncode]))
"""
    found, uids, status = json.loads(run(text, python=True).stdout)
    assert found > 0
    assert "0" not in uids
    assert status != 0


@pytest.mark.parametrize(
    "command",
    [
        "mknod /tmp/disk b 254 0",
        "mknod /tmp/mem c 1 1",
        "mount -t tmpfs tmpfs /tmp",
        "mount --bind /usr /home/user",
        "chroot / true",
        "hostname other",
        "date -s 2001-01-01",
        "touch /usr/bin/x",
        "touch /etc/x",
        "touch /opt/vendor/x",
        "touch /x",
        "touch /run/x",
        "touch /dev/x",
        "sh -c 'echo x >> /opt/vendor/tool'",
        "rm -f /opt/vendor/tool",
        "chown root /tmp",
        "sh -c 'echo 1 > /proc/1/oom_score_adj'",
        "sh -c 'echo -1 > /proc/self/oom_score_adj'",
        "cat /etc/ssl/private/ssl-cert-snakeoil.key",
        "cat /etc/shadow",
        "dmesg -C",
        "sh -c 'ulimit -n 1000000'",
    ],
)
def test_forbidden(run, command):
    outcome = run(f"{command}; echo status $?")
    *_, status = outcome.stdout.split()
    assert int(status) > 0, outcome.stderr


def test_keyrings_are_empty_and_do_not_last(start, spec, script):
    text = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
def keyctl(operation, *args):
    return libc.syscall(250, operation, *args)
def keys(ring):
    space = ctypes.create_string_buffer(4096)
    return max(keyctl(11, ring, space, 4096), -1)   # bytes of key ids in the keyring
before = [keys(ring) for ring in (-3, -4)]          # session, user
added = libc.syscall(248, b"user", b"left", b"secret", 6, -4)
print(json.dumps([before, added > 0, keys(-4), open("/proc/keys").read().count("left")]))
"""
    for _ in range(2):  # the second audit runs as the same uid
        audit = start(spec(script(text, python=True)))
        audit.record()
        before, added, after, seen = json.loads(audit.record().stdout)
        assert before == [0, 0]
        assert added
        assert after == 4
        assert seen == 1
        audit.process.wait()


def test_there_is_no_terminal(run):
    outcome = run(
        "import os\ntry:\n    os.open('/dev/tty', os.O_RDWR)\nexcept OSError as e:\n"
        "    print(e.errno)\nprint(os.getsid(0) == os.getpid())",
        python=True,
    )
    assert outcome.stdout == b"6\nTrue\n"  # ENXIO


def test_signals_are_as_a_shell_finds_them(run):
    outcome = run("exec grep -E '^Sig(Blk|Ign)' /proc/self/status")
    masks = [int(line.split(":")[1], 16) for line in outcome.stdout.decode().splitlines()]
    assert masks == [0, 0]
