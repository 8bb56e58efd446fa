/*
 * Starts one program again and again and says how long each run took: for every byte on standard input, one line
 * "<nanoseconds> <wait status>" on standard output, from before the start until the program is reaped.
 *
 * vfork and exec from a small process are the cheapest start there is, and the same for every program that is timed. Node's
 * own child_process takes several milliseconds a start, which would be added to what is short and to what is long alike.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int run(char **argv, int file) {
  int status = -1;
  pid_t pid = vfork();
  if (pid == 0) {
    dup2(file, 0);
    dup2(file, 1);
    execv(argv[0], argv);
    _exit(126);
  }
  while (waitpid(pid, &status, 0) < 0) continue;
  return status;
}

int main(int argc, char **argv) {
  char asked;
  /* Not /dev/null: a runtime with a user namespace gives what it finds there to the container's root, and that is the machine's. */
  int file = memfd_create("stdio", MFD_CLOEXEC);
  if (argc < 2 || file < 0) return 2;
  while (read(0, &asked, 1) == 1) {
    int64_t start = now();
    int status = run(argv + 1, file);
    printf("%lld %d\n", (long long)(now() - start), status);
    fflush(stdout);
  }
  return 0;
}
