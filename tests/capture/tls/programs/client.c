/*
 * A client with OpenSSL inside: asks for a path, and reads what comes. With a third argument, what
 * it sends lies on a page of a file that it has not touched yet.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), size;
	SSL *ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
	char text[300], *sent = text;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (argc < 3 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return 1;
	SSL_set_fd(ssl, fd);
	size = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\n\r\n", argv[2]);
	if (argc > 3) {
		FILE *file = tmpfile();

		if (!file || fwrite(text, 1, size, file) != (size_t)size || fflush(file))
			return 4;
		sent = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
	}
	if (SSL_connect(ssl) < 1 || SSL_write(ssl, sent, size) != size)
		return 2;
	size = SSL_read(ssl, text, sizeof(text));
	SSL_free(ssl);
	return size > 0 ? 0 : 3;
}
