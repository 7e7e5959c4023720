/*
 * SSL_write into nothing: what a write costs is encryption, and whoever watches it.
 *
 *     writes COUNT SIZE     COUNT writes of SIZE bytes; prints the seconds that they took
 *     writes TOTAL odd      TOTAL bytes in writes of 1 to 9,999 bytes, all of odd lengths
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONGEST 9999

/* No certificate: the two ends are in this process, and nobody else is meant to trust them. */
static SSL *end_of(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(context, "ADH-AES128-GCM-SHA256:@SECLEVEL=0");
	SSL_CTX_set_dh_auto(context, 1);
	return SSL_new(context);
}

static SSL *connected(void)
{
	SSL *client = end_of(TLS_client_method()), *server = end_of(TLS_server_method());
	BIO *ours, *theirs;

	BIO_new_bio_pair(&ours, 1 << 16, &theirs, 1 << 16);
	SSL_set_bio(client, ours, ours);
	SSL_set_bio(server, theirs, theirs);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int turn = 0; turn < 10; turn++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
	if (!SSL_is_init_finished(client) || !SSL_is_init_finished(server))
		exit(2);
	SSL_set0_wbio(client, BIO_new(BIO_s_null()));
	return client;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static char text[LONGEST];
	long left = argc == 3 ? atol(argv[1]) : 0;
	int odd = argc == 3 && strcmp(argv[2], "odd") == 0;
	int size = odd ? 0 : atoi(argv[argc - 1]);
	SSL *client = connected();
	double began;

	memset(text, 'x', sizeof(text));
	srand(7);
	began = now();
	while (left > 0) {
		if (odd)
			size = rand() % LONGEST | 1;
		if (odd && size > left)
			size = left;
		if (SSL_write(client, text, size) != size)
			return 1;
		left -= odd ? size : 1;
	}
	printf("%.9f\n", now() - began);
	return 0;
}
