"""Runs outside of any audit: encrypts with the library that one watches, until it is ended."""

import ssl
import sys
import time
from pathlib import Path

CERTIFICATE, KEY = (str(Path(sys.argv[1], name)) for name in ("cert.pem", "key.pem"))
trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
trusting.check_hostname = False
trusting.verify_mode = ssl.CERT_NONE
serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
serving.load_cert_chain(CERTIFICATE, KEY)
up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
client = trusting.wrap_bio(down, up)
server = serving.wrap_bio(up, down, server_side=True)
done = set()
while len(done) < 2:
    for end in (client, server):
        try:
            end.do_handshake()
            done.add(end)
        except ssl.SSLWantReadError:
            pass
while True:
    client.write(b"GET /outside/ HTTP/1.0")
    server.read(100)
    time.sleep(0.01)
