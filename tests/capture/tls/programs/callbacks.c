/*
 * Writes to TLS that do not go straight: what carries the records is a function of ours, which the
 * library calls back in the middle of a write. No socket is involved.
 */
#include <openssl/ssl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static jmp_buf back;
static char text[64];
static SSL *other;

static int pass(BIO *bio, const char *data, int size)
{
	return size;
}

static int jump(BIO *bio, const char *data, int size)
{
	longjmp(back, 1);
}

static int end_thread(BIO *bio, const char *data, int size)
{
	pthread_exit(NULL);
}

static int be_killed(BIO *bio, const char *data, int size)
{
	return raise(SIGKILL);
}

static int overwrite(BIO *bio, const char *data, int size)
{
	memset(text, '#', sizeof(text));
	return size;
}

static int block_once(BIO *bio, const char *data, int size)
{
	static int called;

	if (called++)
		return size;
	BIO_set_retry_write(bio);
	return -1;
}

static int write_another(BIO *bio, const char *data, int size)
{
	SSL_write(other, "GET /inner/ ", 12);
	return size;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	return 1;
}

static SSL *end_of(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(context, "ADH-AES128-GCM-SHA256:@SECLEVEL=0");
	SSL_CTX_set_dh_auto(context, 1);
	return SSL_new(context);
}

/* What is written to the connection goes to `writes`, and nowhere. */
static SSL *connected(int (*writes)(BIO *, const char *, int))
{
	SSL *client = end_of(TLS_client_method()), *server = end_of(TLS_server_method());
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ours");
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
	BIO_meth_set_write(method, writes);
	BIO_meth_set_ctrl(method, control);
	ours = BIO_new(method);
	BIO_set_init(ours, 1);
	SSL_set0_wbio(client, ours);
	return client;
}

static int write_text(SSL *ssl, const char *name)
{
	memset(text, 0, sizeof(text));
	strcat(strcat(strcpy(text, "GET /"), name), "/ ");
	return SSL_write(ssl, text, strlen(text));
}

static void *in_thread(void *ssl)
{
	write_text(ssl, "thread-ends");
	return NULL;
}

int main(void)
{
	pthread_t thread;
	SSL *ssl;

	if (!setjmp(back))
		write_text(connected(jump), "jumps-away");
	write_text(connected(pass), "after-it");

	pthread_create(&thread, NULL, in_thread, connected(end_thread));
	pthread_join(thread, NULL);

	if (!fork()) {
		write_text(connected(be_killed), "killed");
		return 1;
	}
	wait(NULL);

	write_text(connected(overwrite), "overwritten");

	other = connected(pass);
	write_text(connected(write_another), "outer");

	ssl = connected(block_once);
	return write_text(ssl, "retried") > 0 || write_text(ssl, "retried") < 0;
}
