// SPDX-License-Identifier: Apache-2.0
/*
 * fileless WAY: run a copy of /bin/true that has no file on disk, or come near it. For
 * fileless_exec.
 *
 *   memfd    execveat of a memfd
 *   path     the same by its name under /proc/self/fd
 *   deleted  a file that was unlinked before it is executed
 *   shm      a file in /dev/shm
 *   data     a memfd that holds data, is mapped and read; then /bin/true itself is executed
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "/bin/true"

static char *const argv_of_copy[] = { "true", NULL };

/* Fill fd with the program's bytes. */
static void copy_program(int fd)
{
	int program = open(PROGRAM, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (program < 0 || fstat(program, &status))
		err(1, PROGRAM);
	if (sendfile(fd, program, NULL, status.st_size) != status.st_size)
		err(1, "copy");
	close(program);
}

static int memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		err(1, "memfd_create");
	copy_program(fd);
	return fd;
}

/* A read-only descriptor of a copy at path: one that is open for writing can't be executed. */
static int file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);

	if (fd < 0)
		err(1, "%s", path);
	copy_program(fd);
	close(fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void use_as_data(int fd)
{
	const char *text = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (text == MAP_FAILED || memcmp(text, "\177ELF", 4))
		errx(1, "the data is not what was written");
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	char path[64];
	int fd;

	if (!strcmp(way, "memfd")) {
		execveat(memfd("worker"), "", argv_of_copy, environ, AT_EMPTY_PATH);
	} else if (!strcmp(way, "path")) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd("worker"));
		execv(path, argv_of_copy);
	} else if (!strcmp(way, "deleted")) {
		snprintf(path, sizeof(path), "/tmp/copy-%d", getpid());
		fd = file(path);
		unlink(path);
		execveat(fd, "", argv_of_copy, environ, AT_EMPTY_PATH);
	} else if (!strcmp(way, "shm")) {
		snprintf(path, sizeof(path), "/dev/shm/copy-%d", getpid());
		close(file(path));
		execv(path, argv_of_copy);
	} else if (!strcmp(way, "data")) {
		use_as_data(memfd("cache"));
		execv(PROGRAM, argv_of_copy);
	} else {
		errx(2, "usage: fileless memfd|path|deleted|shm|data");
	}
	err(1, "exec");
}
