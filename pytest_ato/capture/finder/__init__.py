"""The finder: a process that says where in a file the functions of TLS libraries are.

It parses files of the target's and of the vendor's, so it runs in a sandbox without privileges
(`capture.tls.finder` starts it), is given open descriptors, and answers with rows that capture
checks before it believes them.
"""
