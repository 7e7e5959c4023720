"""Run by mitmproxy's interpreter: ends TLS, decodes HTTP, and copies the plaintext to the sinkhole.

Nothing here may import more of this package than its neighbours: it lives in another environment.
"""
