// Starting and ending children. vfork and exec: the child shares our memory until exec, so it only makes system calls
// and writes the one error slot; all signals are blocked in between so that no handler of ours can run there.
// A child in its own group with a death signal and few descriptors is the only kind that Ironworks starts.
#define _GNU_SOURCE
#include "include/csystem_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum { MOVES_MAX = 16 };

static int set_limit(int resource, uint64_t value) {
  if (value == 0) return 0;
  struct rlimit limit = {value, value};
  return setrlimit((__rlimit_resource_t)resource, &limit);
}

// Parks every source above all targets first, so that no move overwrites a source that is still needed.
static int move_descriptors(const iw_spawn_request *request) {
  int parked[MOVES_MAX];
  int highest = 2;
  for (size_t i = 0; i < request->move_count; i++)
    if (request->moves[i].to > highest) highest = request->moves[i].to;
  for (size_t i = 0; i < request->move_count; i++) {
    parked[i] = fcntl(request->moves[i].from, F_DUPFD_CLOEXEC, highest + 1);
    if (parked[i] < 0) return -1;
  }
  for (size_t i = 0; i < request->move_count; i++)
    if (dup2(parked[i], request->moves[i].to) < 0) return -1;
  if (!(request->flags & IW_SPAWN_CLOSE_OTHERS)) return 0;
  for (int fd = 3; fd <= highest; fd++) {
    int wanted = 0;
    for (size_t i = 0; i < request->move_count; i++) wanted |= request->moves[i].to == fd;
    if (!wanted) close(fd);
  }
  return (int)syscall(SYS_close_range, (unsigned)highest + 1, ~0U, 0);
}

static void reset_signals(void) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++)
    if (number != SIGKILL && number != SIGSTOP) sigaction(number, &plain, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become(const iw_spawn_request *request, pid_t parent) {
  if ((request->flags & IW_SPAWN_GROUP) && setpgid(0, 0) != 0) return errno;
  if (request->flags & IW_SPAWN_DEATH_SIGNAL) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    if (getppid() != parent) return ESRCH;
  }
  if (move_descriptors(request) != 0) return errno;
  if (request->directory && chdir(request->directory) != 0) return errno;
  if (set_limit(RLIMIT_CPU, request->cpu_seconds_max) != 0) return errno;
  if (set_limit(RLIMIT_AS, request->memory_bytes_max) != 0) return errno;
  if (set_limit(RLIMIT_FSIZE, request->file_bytes_max) != 0) return errno;
  reset_signals();
  execve(request->path, request->argv, request->envp);
  return errno;
}

int iw_spawn_child(const iw_spawn_request *request, iw_child *child) {
  if (request->move_count > MOVES_MAX) return EINVAL;
  volatile int failure = 0;
  pid_t parent = getpid();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = vfork();
  if (pid == 0) {
    failure = become(request, parent);
    _exit(127);
  }
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) return fork_error;
  if (failure != 0) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return failure;
  }
  int pidfd = iw_pidfd(pid);
  if (pidfd < 0) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return -pidfd;
  }
  child->pid = pid;
  child->pidfd = pidfd;
  return 0;
}

int iw_wait_child(const iw_child *child, int64_t timeout_ms, iw_child_end *end) {
  int waited = iw_wait_readable(child->pidfd, timeout_ms);
  if (waited != 0) return waited;
  int status = 0;
  struct rusage usage = {0};
  pid_t reaped;
  do reaped = wait4(child->pid, &status, 0, &usage);
  while (reaped < 0 && errno == EINTR);
  if (reaped < 0) return errno;
  end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  end->cpu_seconds = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6 +
                     (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6;
  end->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
  return 0;
}

void iw_kill_child(const iw_child *child) {
  if (child->pid <= 1) return;
  kill(-child->pid, SIGKILL);
  syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
}

static void *watch_lifeline(void *argument) {
  int fd = (int)(intptr_t)argument;
  char byte;
  for (;;) {
    ssize_t got = read(fd, &byte, 1);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    kill(0, SIGKILL);
    return NULL;
  }
}

int iw_lifeline_start(int fd) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int failed = pthread_create(&thread, NULL, watch_lifeline, (void *)(intptr_t)fd);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed) return failed;
  return pthread_detach(thread);
}

int iw_pipe(int32_t ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

int iw_socket_pair(int32_t ends[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
}

int iw_wait_readable(int fd, int64_t timeout_ms) {
  int64_t deadline = iw_clock_ns() + timeout_ms * 1000000;
  for (;;) {
    int64_t left_ms = timeout_ms < 0 ? -1 : (deadline - iw_clock_ns() + 999999) / 1000000;
    if (timeout_ms >= 0 && left_ms < 0) left_ms = 0;
    struct pollfd item = {.fd = fd, .events = POLLIN};
    int ready = poll(&item, 1, left_ms > 1000000 ? 1000000 : (int)left_ms);
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
    if (ready == 0 && timeout_ms >= 0 && iw_clock_ns() >= deadline) return ETIMEDOUT;
  }
}

int iw_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int iw_eventfd_signal(int fd) {
  uint64_t one = 1;
  return write(fd, &one, sizeof one) == (ssize_t)sizeof one || errno == EAGAIN ? 0 : errno;
}

int iw_eventfd_clear(int fd) {
  uint64_t count;
  return read(fd, &count, sizeof count) == (ssize_t)sizeof count || errno == EAGAIN ? 0 : errno;
}

int iw_signalfd(const int32_t *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (failed) return -failed;
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int iw_signalfd_take(int fd) {
  struct signalfd_siginfo info;
  ssize_t got = read(fd, &info, sizeof info);
  if (got == (ssize_t)sizeof info) return (int)info.ssi_signo;
  return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

int iw_pidfd(int32_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);  // always close-on-exec
  return fd < 0 ? -errno : fd;
}

int64_t iw_clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t iw_process_clock_ns(int32_t pid) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int iw_pin_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < 0 || cpu >= CPU_SETSIZE) return EINVAL;
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int64_t iw_thread_involuntary_switches(void) {
  struct rusage usage;
  return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}
