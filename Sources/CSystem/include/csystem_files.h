// Files: durable replacement, locks that die with their holder, shared memory, and whether a folder is on a network.
// Every function returns 0 or an errno value unless its comment says otherwise.
// Paths are UTF-8 bytes with a final zero.
#pragma once
#include <stddef.h>
#include <stdint.h>

int iw_sync_path(const char *path);  // fsync of a file or a folder

// fsyncs `temporary`, renames it to `final` and fsyncs the folder that holds it.
int iw_replace_file(const char *temporary, const char *final);

// Takes an exclusive open-file-description lock without waiting and writes "PID HOST\n" into the file. Returns the
// descriptor that holds the lock, or -EAGAIN when someone else holds it, or another -errno. The descriptor is
// close-on-exec; closing it releases the lock.
int iw_lock_file(const char *path);

// Reads who wrote into a lock file; an empty text when nobody did. At most `size` bytes with the final zero.
int iw_lock_holder(const char *path, char *text, size_t size);

// flock on an open descriptor. `timeout_ms` negative waits for ever; otherwise ETIMEDOUT when it was not free in time.
int iw_flock(int fd, int exclusive, int64_t timeout_ms);
int iw_flock_release(int fd);
int iw_open_readable(const char *path);  // read-only, close-on-exec; descriptor or -errno

// A sealed-against-shrinking shared memory file; descriptor or -errno.
int iw_memfd(const char *name, uint64_t bytes);
int iw_memfd_grow(int fd, uint64_t bytes);

// 1 when the path (or the folder that would hold it) is on a network file system, 0 when not, else -errno.
int iw_on_network_filesystem(const char *path);
