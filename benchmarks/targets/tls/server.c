/*
 * Takes what is uploaded over TLS, one connection after another: server CERTIFICATE KEY PORT.
 * It answers when a request's body is complete, by its Content-Length. Linked with an OpenSSL of
 * its own that has no symbols, so that nobody watches this end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* Bytes that are still to come; -1: the head is not complete. */
static long left_of(char *text, long size)
{
	char *end, *length;

	text[size] = 0;
	end = strstr(text, "\r\n\r\n");
	length = strcasestr(text, "content-length:");
	if (!end)
		return -1;
	return (length ? atol(length + 15) : 0) - (size - (end + 4 - text));
}

static void serve(SSL *ssl)
{
	static char text[1 << 16];
	long left = -1, size = 0;

	if (SSL_accept(ssl) != 1)
		return;
	while (left) {
		int got = SSL_read(ssl, text + size, sizeof(text) - 1 - size);

		if (got <= 0)
			return;
		if (left < 0) {
			size += got;
			left = left_of(text, size);
			size = left < 0 ? size : 0;
		} else {
			left -= got;
		}
	}
	SSL_write(ssl, answer, sizeof(answer) - 1);
	SSL_shutdown(ssl);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	signal(SIGPIPE, SIG_IGN);
	if (argc != 4 || SSL_CTX_use_certificate_file(context, argv[1], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1)
		return 2;
	at.sin_port = htons(atoi(argv[3]));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 16))
		return 3;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		SSL *ssl = SSL_new(context);

		SSL_set_fd(ssl, fd);
		serve(ssl);
		SSL_free(ssl);
		close(fd);
	}
}
