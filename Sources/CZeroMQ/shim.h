// libzmq for Swift, and the four Linux descriptors that `import Glibc` does not offer: an event counter to wake a
// poll, signals as a readable descriptor, and a process as one. No pkg-config: Debian's libzmq.pc adds flags that
// SwiftPM refuses, and nothing in it is needed.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

/// A counter descriptor; with `semaphore`, each read takes one. -1 and errno on failure.
static inline int iw_eventfd(int semaphore) {
    return eventfd(0, EFD_CLOEXEC | (semaphore ? EFD_SEMAPHORE : EFD_NONBLOCK));
}

/// Blocks the signals in this thread (and in threads it starts) and returns a descriptor that reads them instead.
static inline int iw_signalfd(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if (pthread_sigmask(SIG_BLOCK, &set, 0) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/// The next pending signal of such a descriptor, or 0.
static inline int iw_signalfd_next(int fd) {
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

/// A descriptor that becomes readable when the process has ended. -1 and errno on failure.
static inline int iw_pidfd(int pid) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

/// Blocks every signal in this thread: for threads that must not be chosen to run a handler.
static inline void iw_block_signals(void) {
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, 0);
}

static inline int iw_errno(void) { return errno; }
