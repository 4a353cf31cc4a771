// Hardening of the measuring child, in the order in which each step still can be taken: parent-death signal,
// no_new_privs, not dumpable, limits, own namespaces, read-only file access, and last the system-call filter.
// Namespaces and Landlock are best effort (a kernel or container may refuse them); the filter is not.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "include/csystem_host.h"
#include "include/csystem_process.h"
#include "measure_internal.h"

// Landlock's interface is declared here: its numbers are the same on every architecture, and old headers lack it.
enum {
  LANDLOCK_CREATE = 444,
  LANDLOCK_ADD_RULE = 445,
  LANDLOCK_RESTRICT = 446,
  LANDLOCK_PATH_BENEATH = 1,
  MAY_READ_FILE = 1 << 2,
  MAY_READ_FOLDER = 1 << 3,
  EVERY_RIGHT_OF_ABI_1 = (1 << 13) - 1,
};
struct ruleset {
  uint64_t handled_access_fs;
};
struct path_beneath {
  uint64_t allowed_access;
  int32_t parent_fd;
} __attribute__((packed));

static void allow_folder(int ruleset, const char *path) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  struct path_beneath rule = {MAY_READ_FILE | MAY_READ_FOLDER, fd};
  if (syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) != 0 && errno == EINVAL) {
    rule.allowed_access = MAY_READ_FILE;  // a plain file
    syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0);
  }
  close(fd);
}

static int restrict_files(const iw_hardening *wanted) {
  static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
                                          "/etc/ld.so.cache", "/sys/devices/system/cpu"};
  if (iw_landlock_abi() < 1) return ENOSYS;
  struct ruleset rules = {EVERY_RIGHT_OF_ABI_1};
  int ruleset = (int)syscall(LANDLOCK_CREATE, &rules, sizeof rules, 0);
  if (ruleset < 0) return errno;
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) allow_folder(ruleset, libraries[i]);
  for (size_t i = 0; i < wanted->folder_count; i++) allow_folder(ruleset, wanted->folders[i]);
  int failed = syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0 ? 0 : errno;
  close(ruleset);
  return failed;
}

static void limit(int resource, uint64_t value) {
  struct rlimit now = {value, value};
  setrlimit((__rlimit_resource_t)resource, &now);
}

static void reset_handlers(void) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++)
    if (number != SIGKILL && number != SIGSTOP) sigaction(number, &plain, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

uint32_t iw_harden(const iw_hardening *wanted) {
  uint32_t done = 0;
  pid_t parent = getppid();
  reset_handlers();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 0;
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 64);
  if (wanted->memory_bytes_max) limit(RLIMIT_AS, wanted->memory_bytes_max);
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) == 0 || unshare(CLONE_NEWNET | CLONE_NEWIPC) == 0)
    done |= IW_HARDENED_NAMESPACES;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of credentials forgets it
  if (getppid() != parent) return 0;          // it died before the signal was armed
  if (restrict_files(wanted) == 0) done |= IW_HARDENED_LANDLOCK;
  if (wanted->cpu >= 0) iw_pin_thread(wanted->cpu);
#if defined(__x86_64__)
  syscall(SYS_arch_prctl, 0x1023, 18);  // permission for the tile registers; processors without them refuse
#endif
  iw_flush_denormals();
  if (iw_load_seccomp() == 0) done |= IW_HARDENED_SECCOMP;
  return done;
}

void iw_flush_denormals(void) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);  // flush to zero, denormals are zero
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" : : "r"(control | 1u << 24));
#endif
}
