/* A wall clock that somebody else sets, for a program that this library is loaded into (ld.so(8),
 * LD_PRELOAD). How many seconds it is ahead stands in the file CLOCK_AHEAD, as one number of this
 * machine, and counts from the moment when it is written. Only the wall clock: a clock that measures
 * spans is never set. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CLOCK_AHEAD");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *shared = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
	if (shared == MAP_FAILED) /* Without it nothing would be shown. */
		_exit(99);
	close(file);
	ahead = shared;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = (int)syscall(SYS_clock_gettime, clock, time);
	if (result == 0 && clock == CLOCK_REALTIME && ahead)
		time->tv_sec += *ahead;
	return result;
}
