/*
 * Makes each system call that the kernel side reports, once, with arguments that the test knows.
 * Each step is told by its name on standard error when it fails, and the program goes on.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(const char *step, long result)
{
	if (result < 0)
		perror(step);
}

static struct sockaddr_in address(const char *text, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, text, &to.sin_addr);
	return to;
}

static void files(void)
{
	struct open_how how = { .flags = O_RDONLY };
	char path[3000];
	int dir;

	must("chdir", chdir("/tmp"));
	must("open", syscall(SYS_open, "opened", O_CREAT | O_WRONLY, 0600));
	must("creat", syscall(SYS_creat, "/tmp/created", 0600));
	must("openat2", syscall(SYS_openat2, AT_FDCWD, "/tmp/created", &how, sizeof(how)));
	must("mkdir", mkdir("/tmp/dir", 0700));
	dir = open("/tmp/dir", O_DIRECTORY | O_RDONLY);
	must("openat", openat(dir, "inner", O_CREAT | O_RDWR, 0600));
	must("renameat2", syscall(SYS_renameat2, dir, "inner", AT_FDCWD, "/tmp/dir/moved", 0));
	must("link", link("/tmp/created", "/tmp/hard"));
	must("symlink", symlink("/tmp/created", "soft"));
	must("through a link", open("/tmp/soft", O_RDONLY));
	must("truncate", truncate("/tmp/created", 0));
	must("chmod", chmod("/tmp/created", 0640));
	must("fchmod", fchmod(dir, 0750));
	must("unlinkat", unlinkat(dir, "moved", 0));
	must("rmdir", rmdir("/tmp/dir"));
	must("unlink", unlink("/tmp/hard"));
	strcpy(path, "/tmp");
	while (strlen(path) < 2900)
		strcat(path, "/.");
	strcat(path, "/created");
	must("long path", open(path, O_RDONLY));
	open((const char *)1, O_RDONLY); /* the kernel refuses it: EFAULT */
}

static void memory(void)
{
	int fd = memfd_create("a name", MFD_CLOEXEC);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must("memfd", fd);
	must("mprotect", mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static void sockets(void)
{
	struct sockaddr_in tcp = address("127.0.0.1", 4101), udp = address("127.0.0.1", 4102);
	struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/tmp/no.sock" };
	struct iovec iov = { "abcd", 4 };
	struct mmsghdr many[2] = {};
	int stream = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_INET, SOCK_DGRAM, 0);
	int own = socket(AF_UNIX, SOCK_STREAM, 0);

	connect(stream, (void *)&tcp, sizeof(tcp)); /* refused: nobody listens */
	connect(own, (void *)&local, sizeof(local)); /* nobody there */
	must("bind", bind(datagram, (void *)&udp, sizeof(udp)));
	must("sendto", sendto(datagram, "hello", 5, 0, (void *)&udp, sizeof(udp)));
	udp.sin_port = htons(4103);
	for (int i = 0; i < 2; i++)
		many[i].msg_hdr = (struct msghdr){ &udp, sizeof(udp), &iov, 1 };
	must("sendmsg", sendmsg(datagram, &many[0].msg_hdr, 0));
	udp.sin_port = htons(4104);
	must("sendmmsg", sendmmsg(datagram, many, 2, 0));
}

static void *idle(void *unused)
{
	return unused;
}

static void processes(void)
{
	char *argv[] = { "true", "one \xff", "", NULL };
	pthread_t thread;
	int status;

	pthread_create(&thread, NULL, idle, NULL);
	pthread_join(thread, NULL);
	if (fork() == 0) {
		execve("/bin/true", argv, argv + 3);
		_exit(9);
	}
	wait(&status);
	if (fork() == 0)
		_exit(7);
	wait(&status);
	if (fork() == 0)
		raise(SIGKILL);
	wait(&status);
}

int main(void)
{
	files();
	memory();
	sockets();
	processes();
	return 0;
}
