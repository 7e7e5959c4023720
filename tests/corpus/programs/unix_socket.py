#!/usr/bin/python3
"""A server and its client over a unix socket."""

import socket
import threading

with socket.socket(socket.AF_UNIX) as server:
    server.bind("demo.sock")
    server.listen()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(connection.recv(100).upper())

    threading.Thread(target=serve, daemon=True).start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("demo.sock")
        client.sendall(b"hello")
        assert client.recv(100) == b"HELLO"
