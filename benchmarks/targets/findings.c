// SPDX-License-Identifier: Apache-2.0
/*
 * findings COUNT EVENTS: leave COUNT different units for systemd, each of which is a finding, then
 * try to open EVENTS different paths.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void leave(const char *home, long number)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/.config/systemd/user/agent-%c%c.service", home,
		 (char)('a' + number / 26), (char)('a' + number % 26));
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static const char *const folders[] = { ".config", ".config/systemd",
					       ".config/systemd/user" };
	const char *home = getenv("HOME");
	long findings = argc > 1 ? atol(argv[1]) : 10;
	long events = argc > 2 ? atol(argv[2]) : 1000;
	char path[256];
	size_t folder;
	long i;

	if (!home)
		return 1;
	for (folder = 0; folder < sizeof(folders) / sizeof(*folders); folder++) {
		snprintf(path, sizeof(path), "%s/%s", home, folders[folder]);
		mkdir(path, 0755);
	}
	for (i = 0; i < findings; i++)
		leave(home, i);
	for (i = 0; i < events; i++) {
		snprintf(path, sizeof(path), "/usr/share/doc/package-%ld/copyright", i);
		close(open(path, O_RDONLY));
	}
	return 0;
}
