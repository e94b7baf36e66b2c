/* Preloaded, it makes every sync of a file take SLOW_SYNC_MS milliseconds longer, as a disk in a data centre may. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_longer(void)
{
	const char *text = getenv("SLOW_SYNC_MS");
	long milliseconds = text ? atol(text) : 0;
	struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	if (milliseconds > 0)
		nanosleep(&pause, NULL);
}

int fsync(int fd)
{
	int (*original)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	wait_longer();
	return original(fd);
}

int fdatasync(int fd)
{
	int (*original)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	wait_longer();
	return original(fd);
}
