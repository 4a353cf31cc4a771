// Files: durable replacement, locks that die with their holder, shared memory, network file systems.
// Everything returns an errno value instead of setting it, since Swift must not read errno after other calls.
// Declared and described in include/csystem_files.h.
#define _GNU_SOURCE
#include "include/csystem_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "include/csystem_process.h"

int iw_sync_path(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int failed = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return failed;
}

// The folder part of `path` into `folder`: "." when there is none.
static int folder_of(const char *path, char *folder, size_t size) {
  const char *slash = strrchr(path, '/');
  size_t length = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
  if (length + 1 > size) return ENAMETOOLONG;
  memcpy(folder, slash ? path : ".", length);
  folder[length] = 0;
  return 0;
}

int iw_replace_file(const char *temporary, const char *final) {
  char folder[PATH_MAX];
  int failed = folder_of(final, folder, sizeof folder);
  if (failed) return failed;
  failed = iw_sync_path(temporary);
  if (failed) return failed;
  if (rename(temporary, final) != 0) return errno;
  return iw_sync_path(folder);
}

int iw_lock_file(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return -errno;
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
    int failed = errno == EACCES ? EAGAIN : errno;
    close(fd);
    return -failed;
  }
  char host[HOST_NAME_MAX + 1] = "";
  gethostname(host, sizeof host - 1);
  char text[HOST_NAME_MAX + 32];
  int length = snprintf(text, sizeof text, "%d %s\n", (int)getpid(), host);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
    int failed = errno;
    close(fd);
    return -failed;
  }
  return fd;
}

int iw_lock_holder(const char *path, char *text, size_t size) {
  if (size == 0) return EINVAL;
  text[0] = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno;
  ssize_t got = pread(fd, text, size - 1, 0);
  int failed = got < 0 ? errno : 0;
  close(fd);
  if (failed) return failed;
  text[got] = 0;
  char *end = strchr(text, '\n');
  if (end) *end = 0;
  return 0;
}

int iw_flock(int fd, int exclusive, int64_t timeout_ms) {
  int kind = exclusive ? LOCK_EX : LOCK_SH;
  if (timeout_ms < 0) {
    while (flock(fd, kind) != 0)
      if (errno != EINTR) return errno;
    return 0;
  }
  int64_t deadline = iw_clock_ns() + timeout_ms * 1000000;
  for (;;) {
    if (flock(fd, kind | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK && errno != EINTR) return errno;
    if (iw_clock_ns() >= deadline) return ETIMEDOUT;
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
}

int iw_flock_release(int fd) { return flock(fd, LOCK_UN) == 0 ? 0 : errno; }

int iw_open_readable(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int iw_memfd(const char *name, uint64_t bytes) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)bytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    int failed = errno;
    close(fd);
    return -failed;
  }
  return fd;
}

int iw_memfd_grow(int fd, uint64_t bytes) { return ftruncate(fd, (off_t)bytes) == 0 ? 0 : errno; }

int iw_on_network_filesystem(const char *path) {
  static const uint32_t network[] = {
      0x00006969,  // NFS
      0x0000517b, 0xfe534d42, 0xff534d42,  // SMB, SMB2, CIFS
      0x01021997,  // 9P
      0x00c36400,  // Ceph
      0x0bd00bd0,  // Lustre
      0x47504653,  // GPFS
      0x19830326,  // BeeGFS
      0x5346414f, 0x6b414653,  // AFS, kAFS
      0x73757245,  // Coda
      0x7461636f, 0x01161970,  // OCFS2, GFS2
      0xaad7aaea,  // PanFS
      0x786f4256,  // shared folders of virtual machines
  };
  struct statfs facts;
  if (statfs(path, &facts) != 0) {
    if (errno != ENOENT) return -errno;
    char folder[PATH_MAX];
    int failed = folder_of(path, folder, sizeof folder);
    if (failed) return -failed;
    if (statfs(folder, &facts) != 0) return -errno;
  }
  for (size_t i = 0; i < sizeof network / sizeof *network; i++)
    if ((uint32_t)facts.f_type == network[i]) return 1;
  return 0;
}
