"""Python's ways of speaking TLS; with an argument, one that comes twice, or sends very much."""

import asyncio
import random
import socket
import ssl
import sys
import time

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def ask(name):
    with socket.create_connection(("127.0.0.1", 4433)) as plain, context.wrap_socket(plain) as tls:
        tls.sendall(f"GET /{name}/ HTTP/1.0\r\n\r\n".encode())
        return tls.recv(100)


async def ask_asyncio():
    reader, writer = await asyncio.open_connection("127.0.0.1", 4433, ssl=context)
    writer.write(b"GET /asyncio/ HTTP/1.0\r\n\r\n")
    await reader.read()


def upload(name, sizes):
    with socket.create_connection(("127.0.0.1", 4433)) as plain, context.wrap_socket(plain) as tls:
        tls.sendall(f"UPLOAD /{name}/ ".encode())
        for size in sizes:
            tls.sendall(random.randbytes(size))


if "giant" in sys.argv:
    upload("giant", [17 << 20])
elif len(sys.argv) > 1:
    ask("early")
    time.sleep(2.5)
    ask(sys.argv[1])
else:
    ask("python")
    asyncio.run(ask_asyncio())
    random.seed(7)
    left = 1 << 20
    odd = []
    while left:
        odd.append(min(left, random.randrange(1, 9999, 2)))
        left -= odd[-1]
    upload("odd", odd)
    upload("single", [1] * 2000)
    upload("large", [5_000_000])
