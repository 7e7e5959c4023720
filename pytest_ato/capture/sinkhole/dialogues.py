"""Line protocols whose server speaks first: greeted, and answered well enough to go on.

Owns a table of replies for FTP, SMTP, POP3 and IMAP, so that a client goes on to the login and
the message that it came to send; for SSH only the greeting. Sans-I/O and bounded: a line longer
than `_LINE` is answered as if it had ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ato.capture.sinkhole.reply import Reply

_LINE = 4096


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a server says: at first, to a verb, to any other line; `tagged` repeats IMAP's tag."""

    greeting: bytes
    replies: dict[bytes, bytes]
    otherwise: bytes
    ends: bytes = b"QUIT"
    tagged: bool = False


_SMTP = Dialogue(
    b"220 mail.example.com ESMTP Postfix\r\n",
    {
        b"AUTH": b"235 2.7.0 Authentication successful\r\n",
        b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
        b"QUIT": b"221 2.0.0 Bye\r\n",
        b"STARTTLS": b"454 4.7.0 TLS not available\r\n",
    },
    b"250 2.0.0 Ok\r\n",
)
_FTP = Dialogue(
    b"220 FTP server ready\r\n",
    {
        b"USER": b"331 Please specify the password.\r\n",
        b"PASS": b"230 Login successful.\r\n",
        b"SYST": b"215 UNIX Type: L8\r\n",
        b"PWD": b'257 "/" is the current directory\r\n',
        b"AUTH": b"530 Please login with USER and PASS.\r\n",
        b"EPSV": b"425 Cannot open data connection\r\n",
        b"PASV": b"425 Cannot open data connection\r\n",
        b"STOR": b"425 Cannot open data connection\r\n",
        b"QUIT": b"221 Goodbye.\r\n",
    },
    b"200 Command okay.\r\n",
)
_POP3 = Dialogue(b"+OK POP3 ready\r\n", {b"STAT": b"+OK 0 0\r\n"}, b"+OK\r\n")
_IMAP = Dialogue(
    b"* OK [CAPABILITY IMAP4rev1] IMAP4 ready\r\n", {}, b"OK completed\r\n", b"LOGOUT", tagged=True
)

BY_PORT = {21: _FTP, 25: _SMTP, 587: _SMTP, 2525: _SMTP, 110: _POP3, 143: _IMAP}
BANNERS = {22: b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n"}


def greeting(port: int) -> bytes:
    """Return what a server on this port says before the client does, or nothing."""
    dialogue = BY_PORT.get(port)
    return dialogue.greeting if dialogue else BANNERS.get(port, b"")


class LineServer:
    """One connection of a line protocol, after its greeting."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._buffer = bytearray()
        self._message = False

    def receive(self, data: bytes) -> Reply:
        """Answer each line that is complete now."""
        self._buffer += data
        out = bytearray()
        while True:
            end = self._buffer.find(b"\n")
            if end < 0 and len(self._buffer) < _LINE:
                return Reply(bytes(out))
            cut = end + 1 if end >= 0 else len(self._buffer)
            line = bytes(self._buffer[:cut]).rstrip(b"\r\n")
            del self._buffer[:cut]
            close = self._answer(line, out)
            if close:
                return Reply(bytes(out), close=True)

    def _answer(self, line: bytes, out: bytearray) -> bool:
        """Append the reply to one line; returns whether it ends the dialogue."""
        dialogue = self._dialogue
        if self._message:  # the lines of a mail, up to the single dot
            if line == b".":
                self._message = False
                out += dialogue.otherwise
            return False
        words = line.split(maxsplit=2)
        tag = words.pop(0) + b" " if dialogue.tagged and words else b""
        verb = words[0].upper() if words else b""
        self._message = dialogue is _SMTP and verb == b"DATA"
        out += tag[:_LINE] + dialogue.replies.get(verb, dialogue.otherwise)
        return verb == dialogue.ends
