// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Loads a shared library that exists in memory only, by dlopen of the memfd.
 * Known from: module preloaders such as Zombie Ant Farm's: there is no exec to see.
 * First: map: a memfd becomes executable memory of a program, privately, as libraries are mapped
 * Second: memfd_create
 */
#include "trick.h"
#include <dlfcn.h>
#include <sys/mman.h>

int main(void)
{
	int fd = memfd_create("locale", MFD_CLOEXEC);
	double (*cosine)(double);
	char path[64];
	void *library;

	copy_into(fd, "/usr/lib/x86_64-linux-gnu/libm.so.6");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	library = dlopen(path, RTLD_NOW);
	if (!library)
		blocked();
	cosine = (double (*)(double))dlsym(library, "cos");
	if (!cosine || cosine(0) != 1)
		errx(1, "the library does not work");
	performed();
}
