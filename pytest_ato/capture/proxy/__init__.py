"""The TLS proxy: what runs in mitmproxy's environment, and how it is found and sandboxed.

`inside/` is run by mitmproxy's own interpreter, as an unused user without capabilities in a
read-only sandbox in the gateway; it may import mitmproxy, the standard library and its own files,
and nothing else of this package. The sinkhole hands it connections that begin with a ClientHello;
capture starts it and holds the session's certificate authority.
"""
