"""Answers TLS connections on loopback: "pong" to what is asked, and takes what is uploaded."""

import socket
import ssl
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/cert.pem", "/srv/key.pem")


def serve(connection):
    try:
        with context.wrap_socket(connection, server_side=True) as stream:
            asked = stream.recv(65536)
            while asked.startswith(b"UPLOAD") and stream.recv(65536):
                pass
            stream.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npong")
            stream.unwrap()
    except OSError:
        pass  # a client that leaves without a word


listener = socket.create_server(("127.0.0.1", 4433))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
