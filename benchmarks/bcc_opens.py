"""Run a program and read each of its opens through BCC: bcc_opens.py PROGRAM [ARG ...]

Reads path, flags and result of each from a ring into Python, as BCC's documentation shows it.
Prints what the program printed, then how many records were lost.
"""

from __future__ import annotations

import subprocess
import sys

from bcc_programs import RING, build

TEXT = """
struct event { u64 ts; u64 result; u32 pid; u32 flags; char path[128]; };
struct call { const char *path; u32 flags; };
BPF_HASH(calls, u64, struct call);
BPF_ARRAY(lost, u64, 1);
%(ring)s

TRACEPOINT_PROBE(syscalls, sys_enter_openat)
{
    u64 id = bpf_get_current_pid_tgid();
    struct call call = {};

    if (id >> 32 != %(pid)d)
        return 0;
    call.path = args->filename;
    call.flags = args->flags;
    calls.update(&id, &call);
    return 0;
}

TRACEPOINT_PROBE(syscalls, sys_exit_openat)
{
    u64 id = bpf_get_current_pid_tgid();
    struct call *call = calls.lookup(&id);
    struct event *event;

    if (!call)
        return 0;
    event = events.ringbuf_reserve(sizeof(*event));
    if (event) {
        event->ts = bpf_ktime_get_ns();
        event->pid = id >> 32;
        event->flags = call->flags;
        event->result = args->ret;
        bpf_probe_read_user_str(event->path, sizeof(event->path), call->path);
        events.ringbuf_submit(event, BPF_RB_NO_WAKEUP);
    } else {
        lost.increment(0);
    }
    calls.delete(&id);
    return 0;
}
"""
WAIT = 5
"""Milliseconds between two looks at the ring, as capture waits."""


def main(*program: str) -> int:
    """Hold the program until the probes are there, then read until it has ended."""
    held = ("sh", "-c", 'read go; exec "$@"', "sh", *program)
    target = subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    bpf = build(TEXT % {"ring": RING, "pid": target.pid})
    events, paths = bpf[b"events"], 0

    def take(_: object, data: object, __: int) -> None:
        nonlocal paths
        event = events.event(data)
        _, _, path, _, _ = event.ts, event.pid, event.path, event.flags, event.result
        paths += bool(path)

    events.open_ring_buffer(take)
    assert target.stdin is not None
    assert target.stdout is not None
    target.stdin.write("go\n")
    target.stdin.close()
    while target.poll() is None:
        bpf.ring_buffer_poll(WAIT)
        bpf.ring_buffer_consume()
    bpf.ring_buffer_consume()
    assert paths, "nothing was traced"
    print(target.stdout.read() + f"Lost {sum(n.value for n in bpf[b'lost'].values())} records")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
