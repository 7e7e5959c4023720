"""Protocols of the wire, bytes in and messages out: HTTP, TLS records, shapes of other transports.

Owns bounded, incremental parsers of what the audited program sent. It must do no I/O, trust no
length, and raise nothing for any input: what it cannot read it gives back as it came.
"""
