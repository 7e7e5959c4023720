"""From the kernel side's records to model events.

Owns the meaning of records: numbers turned into names, and the path of a file that the kernel side
has told before.
"""

from __future__ import annotations

import stat
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from pytest_ato.capture import abi, addresses, doors, rings, syscalls
from pytest_ato.capture.merging import joined, runs
from pytest_ato.capture.plaintext import Plaintext
from pytest_ato.capture.texts import absolute, is_plain, resolved, split, text
from pytest_ato.model import events
from pytest_ato.model.octets import Octets, octets
from pytest_ato.model.record import Event

_KIND: Final = struct.Struct("<16xH")
_TGID_AND_KIND: Final = struct.Struct("<8xI4xH")
_PATH: Final = abi.PATH_LAYOUT.format
_EXEC: Final = abi.EXEC_LAYOUT.format
_ADDR: Final = abi.ADDR_LAYOUT.format
_STATE: Final = abi.STATE_LAYOUT.format
_FORK: Final = abi.FORK_LAYOUT.format
_EXIT: Final = abi.EXIT_LAYOUT.format

_MMAP: Final = 9
_RENAMES: Final = frozenset({"rename", "renameat", "renameat2"})
_LINKS: Final = frozenset({"link", "linkat", "symlink", "symlinkat"})
_CHMODS: Final = frozenset({"chmod", "fchmod", "fchmodat", "fchmodat2"})

_TCP_STATES: Final = (
    "NONE ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK "
    "LISTEN CLOSING NEW_SYN_RECV"
).split()
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_NULL_DEVICE, _TTY_MAJORS = (1, 3), frozenset({4, 5, 136, 137, 138, 139, 140, 141, 142, 143})
_MAX_KNOWN_FILES: Final = 65_536
"""Four times as many as the kernel side takes for told, so that it tells again what is forgotten
here."""


def code_in(critical: bytes, bulk: bytes) -> Iterator[events.Exec | events.Map]:
    """What became code of a process, for whoever cannot wait until a batch has its turn."""
    for record in rings.records(critical):
        if _KIND.unpack_from(record)[0] == abi.EXEC:
            yield _exec(record)
    for record in rings.records(bulk):
        if _KIND.unpack_from(record)[0] == abi.MAP:
            yield _map(record)


class Decoder:
    """Turns batches of one audit into events; keeps the kernel's paths of files it has seen."""

    def __init__(self) -> None:
        self.consumed = dict.fromkeys(abi.CLASSES, 0)
        self._files: OrderedDict[tuple[int, int], Octets] = OrderedDict()  # last used last
        self._ended: set[int] = set()
        self._plaintext = Plaintext()
        self._code: list[events.Exec | events.Map] = []
        self._executed: tuple[set[int], set[int]] = (set(), set())
        """Processes that executed a program in the last two drains."""
        self._decoders: dict[int, Callable[[bytes], Event]] = {
            abi.FORK: _fork,
            abi.EXEC: _exec,
            abi.EXIT: _exit,
            abi.PATH: self._path,
            abi.MAP: self._map,
            abi.MEMFD: _memfd,
            abi.ADDR: _addr,
            abi.STATE: _state,
            abi.DOOR: self._door,
        }

    def code(self) -> list[events.Exec | events.Map]:
        """Return what became code of a process since the last call."""
        code, self._code = self._code, []
        return code

    def _map(self, record: bytes) -> Event:
        event = _map(record)
        if event.file is not None:
            self._code.append(event)
        return event

    def _door(self, record: bytes) -> Event:
        return doors.decode(record, self._files)

    def critical(self, data: bytes) -> Iterator[Event]:
        """Decode what the critical ring held, before what the bulk ring held in the same drain."""
        found = rings.records(data)
        self.consumed["critical"] += len(found)
        heads = map(_TGID_AND_KIND.unpack_from, found)
        executed = {tgid for tgid, kind in heads if kind == abi.EXEC}
        self._executed = (self._executed[1], executed)
        for record in found:
            event = self._decode(record)
            if not self._told(event):
                yield event

    def _told(self, event: Event) -> bool:
        """Note what goes on; whether an end was told before: two last threads that end at once both
        find themselves the last."""
        if isinstance(event, events.Fork):
            self._ended.discard(event.child)
        elif isinstance(event, events.Exit):
            if event.pid in self._ended:
                return True
            self._ended.add(event.pid)
        elif isinstance(event, events.Exec):
            self._code.append(event)
        return False

    def bulk(self, data: bytes) -> Iterator[Event]:
        """Decode what the bulk ring held; identical opens between two other calls are one."""
        if rings.uniform(data, abi.STRIDE):
            begins = range(0, len(data), abi.STRIDE)
            found = [data[at + abi.RING_HEADER : at + abi.STRIDE] for at in begins]
        else:
            found = rings.records(data)
        self.consumed["bulk"] += len(found)
        # The rings are read one after the other, so an exec may have come with the drain before.
        for opens, others in runs(found, apart=set().union(*self._executed)):
            for record, count in joined(opens):
                yield self._open(record, count)
            for record in others:
                yield self._decode(record)

    def plain(self, data: bytes) -> Iterator[Event]:
        """Decode what the ring of plaintext held."""
        found = rings.records(data)
        self.consumed["plain"] += len(found)
        return self._plaintext.decode(found)

    def finish(self, now: int) -> Iterator[Event]:
        """What was kept back until more came, after the last batch; `now` in ns."""
        return self._plaintext.finish(now)

    def _decode(self, record: bytes) -> Event:
        return self._decoders[_KIND.unpack_from(record)[0]](record)

    def _path(self, record: bytes) -> Event:
        fields = _PATH.unpack_from(record)
        ts, tgid, tid, _, flags, ret, inode, _, dev, _, _, _, arg, nr = fields[:14]
        if nr in syscalls.OPENS:
            return self._open(record)
        first, second, third, fourth = split(record, _PATH.size, fields[14:])
        call = syscalls.name(nr)
        common: dict[str, Any] = {
            "ts": ts,
            "pid": tgid,
            "tid": tid,
            "call": call,
            "path": text(first),
            "file": self._file(flags, (dev, inode), first, third),
            "result": ret,
            "truncated": bool(flags & abi.F_TRUNCATED),
            "changed": bool(flags & abi.F_CHANGED),
        }
        if call in _RENAMES:
            return events.Rename(**common, to=text(second), to_file=resolved(second, fourth))
        if call in _LINKS:
            symbolic = call.startswith("sym")
            if symbolic:
                common["file"] = None  # the text of a link need not name anything
            return events.Link(
                **common,
                to=text(second),
                to_file=resolved(second, fourth),
                symbolic=symbolic,
            )
        if call in _CHMODS:
            return events.Chmod(**common, mode=arg)
        if call == "truncate":
            return events.Truncate(**common)
        return events.Unlink(**common)

    def _open(self, record: bytes, count: int = 1) -> events.Open:
        """What comes in floods, so without a detour; one that stands for `count`."""
        fields = _PATH.unpack_from(record)
        ts, tgid, tid, _, flags, ret, inode, value, dev, _, _, _, _, nr, *lengths = fields
        named, skipped, based, _ = lengths
        end = _PATH.size + named
        name = record[_PATH.size : end].partition(b"\0")[0]
        path = octets(name)
        if not (inode or flags & abi.F_FILE) and is_plain(path):
            file: Octets | None = path
        else:
            begin = end + skipped
            file = self._file(flags, (dev, inode), name, record[begin : begin + based])
        return events.Open(
            ts=ts,
            pid=tgid,
            tid=tid,
            call=syscalls.NAMES[nr],
            path=path,
            file=file,
            result=ret,
            truncated=flags & abi.F_TRUNCATED != 0,
            changed=flags & abi.F_CHANGED != 0,
            count=count,
            flags=value,
            dev=abi.device(dev) if dev else 0,
            inode=inode,
        )

    def _file(
        self, flags: int, identity: tuple[int, int], path: bytes, base: bytes
    ) -> Octets | None:
        """The kernel's path of a file (its device and inode are `identity`), told with the first
        of its records only; where no file was opened, the path that was asked for."""
        files = self._files
        if flags & abi.F_FILE:
            files[identity] = octets(absolute(base))
            if len(files) > _MAX_KNOWN_FILES:
                files.popitem(last=False)
        elif not identity[1]:
            return resolved(path, base)
        elif identity not in files:
            return None
        files.move_to_end(identity)
        return files[identity]


def _fork(record: bytes) -> Event:
    ts, tgid, tid, _, _, child, inner = _FORK.unpack_from(record)
    return events.Fork(ts=ts, pid=tgid, tid=tid, child=child, inner=inner)


def _exit(record: bytes) -> Event:
    ts, tgid, tid, _, _, code = _EXIT.unpack_from(record)
    return events.Exit(ts=ts, pid=tgid, tid=tid, status=code >> 8 & 0xFF, signal=code & 0x7F)


def _exec(record: bytes) -> events.Exec:
    fields = _EXEC.unpack_from(record)
    ts, tgid, tid, _, flags, inode, args, dev, links, ppid, uid, inner = fields[:12]
    modes, families, protocols = fields[12:15], fields[15:18], fields[18:21]
    nr, devices, lengths = fields[21], fields[22:25], fields[25:28]
    name, image, block = split(record, _EXEC.size, lengths)
    argv = block.split(b"\0")
    if argv and not argv[-1]:
        argv.pop()  # the last argument's own NUL
    stdio = [descriptor(*parts) for parts in zip(modes, families, protocols, devices, strict=True)]
    return events.Exec(
        ts=ts,
        pid=tgid,
        tid=tid,
        path=text(name),
        file=octets(absolute(image)) if image else "",
        argv=tuple(octets(argument) for argument in argv),
        argv_bytes=args,
        truncated=bool(flags & abi.F_TRUNCATED),
        ppid=ppid,
        dev=abi.device(dev),
        inode=inode,
        links=links,
        stdio=(stdio[0], stdio[1], stdio[2]),
        uid=uid,
        call=syscalls.name(nr),
        inner=inner,
    )


def descriptor(mode: int, family: int, protocol: int, rdev: int) -> str:
    """What a standard descriptor is, in one word (see `events.Exec.stdio`)."""
    if mode == 0:
        return "closed"
    if mode == abi.MODE_UNKNOWN:
        return ""
    if stat.S_ISSOCK(mode):
        if family == _AF_UNIX:
            return "unix"
        if family in (_AF_INET, _AF_INET6):
            return {6: "tcp", 17: "udp"}.get(protocol, "socket")
        return "socket"
    if stat.S_ISCHR(mode):
        major, minor = rdev >> 20, rdev & 0xFFFFF
        if (major, minor) == _NULL_DEVICE:
            return "null"
        return "tty" if major in _TTY_MAJORS else "char"
    if stat.S_ISFIFO(mode):
        return "pipe"
    if stat.S_ISREG(mode):
        return "file"
    return "dir" if stat.S_ISDIR(mode) else "other"


def _map(record: bytes) -> events.Map:
    fields = _PATH.unpack_from(record)
    ts, tgid, tid, _, flags, ret, inode, value, dev, links, _, mapping, prot, nr = fields[:14]
    image = split(record, _PATH.size, fields[14:18])[2]
    known = bool(flags & abi.F_FILE)
    return events.Map(
        ts=ts,
        pid=tgid,
        tid=tid,
        call=syscalls.name(nr),
        prot=prot,
        flags=mapping,
        address=ret if nr == _MMAP and ret > 0 else 0,
        length=value,
        file=octets(absolute(image)) if known else None,
        dev=abi.device(dev) if known else 0,
        inode=inode,
        links=links if known else 1,
        result=min(ret, 0),
    )


def _memfd(record: bytes) -> Event:
    fields = _PATH.unpack_from(record)
    ts, tgid, tid, ret, arg = fields[0], fields[1], fields[2], fields[5], fields[12]
    name = split(record, _PATH.size, fields[14:18])[0]
    return events.Memfd(ts=ts, pid=tgid, tid=tid, name=text(name), flags=arg, result=ret)


def _addr(record: bytes) -> Event:
    ts, tgid, tid, _, flags, ret, cookie, size, fd, nr, family, kind, number, length, data = (
        _ADDR.unpack_from(record)
    )
    address = addresses.parse(data[:length])
    kernel = bool(flags & abi.F_KERNEL)
    internet = family in (_AF_INET, _AF_INET6)
    source: Literal["kernel", "syscall"] = "kernel" if kernel else "syscall"
    common: dict[str, Any] = {
        "ts": ts,
        "pid": tgid,
        "tid": tid,
        "family": address.family,
        "address": address.text,
        "port": address.port,
        "cookie": cookie,
        "fd": fd,
    }
    call = syscalls.name(nr)
    if call == "bind":
        return events.Bind(**common, result=ret)
    common["protocol"] = addresses.protocol(kind, number) if internet else ""
    common["result"] = None if kernel else ret
    if call == "connect":
        return events.Connect(**common, source=source)
    return events.Send(**common, source=source, size=size)


def _state(record: bytes) -> Event:
    ts, tgid, tid, _, _, cookie, family, lport, dport, old, new, saddr, daddr = _STATE.unpack_from(
        record
    )
    size = 16 if family == _AF_INET6 else 4
    return events.SocketState(
        ts=ts,
        pid=tgid,
        tid=tid,
        cookie=cookie,
        old=_tcp_state(old),
        new=_tcp_state(new),
        local=addresses.ip_text(saddr[:size]),
        local_port=lport,
        address=addresses.ip_text(daddr[:size]),
        port=dport,
    )


def _tcp_state(number: int) -> str:
    return _TCP_STATES[number] if number < len(_TCP_STATES) else f"STATE_{number}"
