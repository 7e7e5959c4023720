"""The other end of the target's network: a process that answers plausibly and records all.

It reads hostile bytes, so it runs apart from capture, in the gateway's network namespace, as an
unprivileged user in a read-only sandbox. Sockets that need privilege come from capture as
descriptors (`pytest_ato.capture.network`). Protocol modules are sans-I/O: bytes in, replies and
events out; only `server`, `connection` and `outbox` touch sockets.
"""
