// The system-call filter, as classic BPF written out here so that no library is needed. Allowed: reading files,
// private and shared memory, time, threads of this process, and writing to the control socket. Opening for writing,
// writing elsewhere and a few harmless questions fail with an errno; everything else ends the process with SIGSYS.
// Loaded before any candidate is opened, because opening one may already run its code.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure_internal.h"

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the measuring child knows x86-64 and aarch64"
#endif
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

enum { PROGRAM_MAX = 400 };

typedef struct {
  struct sock_filter code[PROGRAM_MAX];
  unsigned short count;
} program;

static void add(program *p, struct sock_filter instruction) {
  if (p->count < PROGRAM_MAX) p->code[p->count] = instruction;
  p->count++;
}
static void load(program *p, size_t offset) { add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
static void answer(program *p, uint32_t action) { add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)); }
static uint32_t fails_with(int number) { return SECCOMP_RET_ERRNO | ((uint32_t)number & SECCOMP_RET_DATA); }

// Low half of argument `index`; every argument tested here is an int in the kernel.
static size_t argument(int index) { return offsetof(struct seccomp_data, args) + (size_t)index * 8; }

static void plain(program *p, long call, uint32_t action) {
  add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1));
  answer(p, action);
}

// call: `action_if` when the argument equals (or shares a bit with) `value`, else `action_else`.
static void tested(program *p, long call, int index, int by_bits, uint32_t value, uint32_t action_if,
                   uint32_t action_else) {
  add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4));
  load(p, argument(index));
  add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | (by_bits ? BPF_JSET : BPF_JEQ) | BPF_K, value, 0, 1));
  answer(p, action_if);
  answer(p, action_else);
}

static const long allowed[] = {
    // files, read only
    SYS_read, SYS_pread64, SYS_readv, SYS_close, SYS_fstat, SYS_lseek, SYS_newfstatat,
    // memory
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk,
    // time and scheduling
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_getrusage, SYS_sched_yield, SYS_nanosleep,
    SYS_clock_nanosleep, SYS_setitimer, SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_getcpu,
    // threads of this process
    SYS_futex, SYS_set_robust_list, SYS_exit, SYS_exit_group, SYS_getpid, SYS_gettid,
#ifdef SYS_rseq
    SYS_rseq,
#endif
    // signals that were delivered, and what abort() needs
    SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_restart_syscall,
    SYS_getrandom,
};

static const long refused[] = {
    SYS_rt_sigaction, SYS_sigaltstack, SYS_writev, SYS_ioctl, SYS_prctl, SYS_prlimit64, SYS_getcwd, SYS_uname,
    SYS_readlinkat, SYS_faccessat, SYS_sysinfo, SYS_fcntl, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
#if defined(__x86_64__)
    SYS_readlink, SYS_access, SYS_stat, SYS_lstat, SYS_arch_prctl, SYS_getrlimit,
#endif
};

static void build(program *p) {
  const uint32_t temporary_file = 020000000;  // the bit of O_TMPFILE that O_DIRECTORY does not have
  const uint32_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | temporary_file;
  load(p, offsetof(struct seccomp_data, arch));
  add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0));
  answer(p, SECCOMP_RET_KILL_PROCESS);
  load(p, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
  add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));  // the x32 numbers
  answer(p, SECCOMP_RET_KILL_PROCESS);
#endif
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) plain(p, allowed[i], SECCOMP_RET_ALLOW);
  tested(p, SYS_write, 0, 0, IW_MEASURE_SOCKET, SECCOMP_RET_ALLOW, fails_with(EBADF));
  tested(p, SYS_openat, 2, 1, writes, fails_with(EACCES), SECCOMP_RET_ALLOW);
#if defined(__x86_64__)
  tested(p, SYS_open, 1, 1, writes, fails_with(EACCES), SECCOMP_RET_ALLOW);
#endif
  tested(p, SYS_clone, 0, 1, CLONE_THREAD, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
  tested(p, SYS_tgkill, 0, 0, (uint32_t)getpid(), SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
#ifdef SYS_clone3
  plain(p, SYS_clone3, fails_with(ENOSYS));  // its flags lie in memory; the C library falls back to clone
#endif
#ifdef SYS_statx
  plain(p, SYS_statx, fails_with(ENOSYS));
#endif
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) plain(p, refused[i], fails_with(EPERM));
  answer(p, SECCOMP_RET_KILL_PROCESS);
}

int iw_load_seccomp(void) {
  static program p;
  p.count = 0;
  build(&p);
  if (p.count > PROGRAM_MAX) return E2BIG;
  struct sock_fprog filter = {p.count, p.code};
  // Without SPEC_ALLOW older kernels turn on a mitigation for filtered processes that slows every store-to-load pair.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) == 0) return 0;
  if (errno != EINVAL) return errno;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0 ? 0 : errno;
}
