"""A world for open audits: two network namespaces, in one a web server with TLS and a resolver.

``python world.py FOLDER COMMAND...`` makes it, runs the command in the other namespace, whose only
way leads there, and takes it away. In it, /etc/resolv.conf names the world's resolver, and the
machine trusts the world's authority. The names that the resolver was asked for are in the folder's
file `asked`, the web server's requests in `access.log`. Nothing of it reaches past this machine.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import dns.message
import dns.rrset

from pytest_ato.capture.network import namespaces
from pytest_ato.capture.sandbox.mounts import enter_private_mounts

SERVER, OTHER, RESOLVER, CLIENT = "198.51.100.7", "198.51.100.9", "203.0.113.1", "203.0.113.2"
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_LINK = f"""
link add w0 type veth peer name w1 netns {{world}}
addr add {CLIENT}/24 dev w0
link set w0 addrgenmode none
link set w0 up
link set lo up
route add default via {RESOLVER}
"""
_OTHER_END = f"""
addr add {RESOLVER}/24 dev w1
link set w1 up
link set lo up
addr add {SERVER}/32 dev lo
addr add {OTHER}/32 dev lo
"""
_NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    server {{
        listen {server}:443 ssl http2; listen {server}:80; listen {other}:80;
        ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
        location / {{ return 200 "hello from the world\\n"; }}
    }}
}}
"""


def main(folder: Path, command: list[str]) -> int:
    """Return the command's exit status."""
    certificates(folder)
    client, world = namespaces.make(), namespaces.make()
    _ip(client, _LINK.format(world="world"), world)
    _ip(world, _OTHER_END)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, server=SERVER, other=OTHER))
    nginx = _inside(world, ["/usr/sbin/nginx", "-c", str(folder / "nginx.conf")])
    asked = folder / "asked"
    asked.touch()
    resolver = socket.AF_INET, socket.SOCK_DGRAM
    namespaces.inside(world, lambda: _serve(socket.socket(*resolver), asked))
    try:
        _wait(world)
        enter_private_mounts()
        (folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
        (folder / "bundle").write_bytes(_BUNDLE.read_bytes() + (folder / "ca.pem").read_bytes())
        for source, place in (("resolv.conf", "/etc/resolv.conf"), ("bundle", str(_BUNDLE))):
            subprocess.run(["mount", "--bind", str(folder / source), place], check=True)
        return _inside(client, command).wait()
    finally:
        nginx.terminate()
        nginx.wait()


def certificates(folder: Path) -> None:
    """Make an authority and a certificate for www.world.example."""
    new = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for line in (
        f"{new} -x509 -keyout ca.key -out ca.pem -subj /CN=World -days 2",
        f"{new} -keyout server.key -out server.csr -subj /CN=www.world.example",
        "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile names -out server.pem",
    ):
        (folder / "names").write_text("subjectAltName=DNS:www.world.example\n")
        subprocess.run(line.split(), cwd=folder, check=True, stderr=subprocess.DEVNULL)


def _ip(namespace: int, commands: str, other: int = -1) -> None:
    """Run ``ip -batch`` in a namespace; `other` is known to it as ``world``."""
    named = Path("/proc/self/fd", str(other))
    batch = commands
    if other >= 0:  # ip names a namespace by a process in it
        sleeper = _inside(other, ["sleep", "60"])
        batch = commands.replace("netns world", f"netns {sleeper.pid}")
        while not named.samefile(f"/proc/{sleeper.pid}/ns/net"):
            time.sleep(0.005)
    subprocess.run(
        ["nsenter", f"--net=/proc/self/fd/{namespace}", "ip", "-batch", "-"],
        input=batch,
        text=True,
        check=True,
        pass_fds=[namespace],
    )
    if other >= 0:
        sleeper.kill()
        sleeper.wait()


def _inside(namespace: int, command: list[str]) -> subprocess.Popen[bytes]:
    entered = ["nsenter", f"--net=/proc/self/fd/{namespace}", "--", *command]
    return subprocess.Popen(entered, pass_fds=[namespace])


def _serve(sock: socket.socket, asked: Path) -> None:
    """Answer every question for an address with the server's, in a thread; note the names."""
    sock.bind((RESOLVER, 53))

    def answer() -> None:
        while True:
            data, peer = sock.recvfrom(4096)
            query = dns.message.from_wire(data)
            response = dns.message.make_response(query)
            question = query.question[0]
            with asked.open("a") as file:
                file.write(f"{question.name}\n")
            if question.rdtype == 1:
                found = dns.rrset.from_text(question.name, 60, "IN", "A", SERVER)
                response.answer.append(found)
            sock.sendto(response.to_wire(), peer)

    threading.Thread(target=answer, daemon=True).start()


def _wait(world: int) -> None:
    """Wait until the web server listens."""

    def connects() -> bool:
        try:
            socket.create_connection((SERVER, 443), 1).close()
        except OSError:
            return False
        return True

    deadline = time.monotonic() + 20
    while not namespaces.inside(world, connects):
        assert time.monotonic() < deadline
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
