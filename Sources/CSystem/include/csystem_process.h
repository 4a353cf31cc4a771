// Processes: starting children that cannot outlive us, waiting for them with a deadline, and the lifeline by which a
// child notices that its parent is gone. Also the descriptors that a poll loop needs, and thread facts.
// Every function returns 0 or an errno value unless its comment says otherwise.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
  IW_SPAWN_GROUP = 1 << 0,         // the child leads its own process group
  IW_SPAWN_DEATH_SIGNAL = 1 << 1,  // SIGKILL when the spawning THREAD ends
  IW_SPAWN_CLOSE_OTHERS = 1 << 2,  // close every descriptor but 0, 1, 2 and the targets of `moves`
};

typedef struct {
  int32_t from;  // a descriptor of the parent
  int32_t to;    // its number in the child
} iw_fd_move;

// What to start. Limits of 0 are inherited.
typedef struct {
  const char *path;
  char *const *argv;
  char *const *envp;
  const char *directory;  // NULL keeps the parent's
  const iw_fd_move *moves;
  size_t move_count;
  uint64_t cpu_seconds_max;
  uint64_t memory_bytes_max;
  uint64_t file_bytes_max;
  uint32_t flags;
} iw_spawn_request;

typedef struct {
  int32_t pid;
  int32_t pidfd;  // readable once the child has ended; the caller closes it
} iw_child;

typedef struct {
  int32_t exit_code;  // -1 when a signal ended the child
  int32_t signal;     // 0 when it exited
  double cpu_seconds;
  int64_t peak_bytes;
} iw_child_end;

// Starts a child. Call it on a thread that outlives the child: the death signal is tied to that thread. An exec that
// fails is reported here, not as a dead child.
int iw_spawn_child(const iw_spawn_request *request, iw_child *child);

// Waits up to `timeout_ms` (negative: for ever) and reaps. ETIMEDOUT leaves the child running.
int iw_wait_child(const iw_child *child, int64_t timeout_ms, iw_child_end *end);

// Kills the child's process group, then the child itself (it may not lead a group).
void iw_kill_child(const iw_child *child);

// Starts a thread that reads `fd` and, on its end of file, kills the caller's own process group.
int iw_lifeline_start(int fd);

int iw_pipe(int32_t ends[2]);         // close-on-exec; ends[0] reads
int iw_socket_pair(int32_t ends[2]);  // close-on-exec stream sockets

// Waits until `fd` is readable or hung up, or `timeout_ms` passed (ETIMEDOUT).
int iw_wait_readable(int fd, int64_t timeout_ms);

int iw_eventfd(void);                                     // descriptor, or -errno; non-blocking, close-on-exec
int iw_eventfd_signal(int fd);                            // wakes
int iw_eventfd_clear(int fd);                             // forgets pending wakes
int iw_signalfd(const int32_t *signals, size_t count);    // blocks the signals in this thread; descriptor or -errno
int iw_signalfd_take(int fd);                             // next signal number, 0 when none is pending, or -errno
int iw_pidfd(int32_t pid);                                // descriptor, or -errno

int64_t iw_clock_ns(void);                    // CLOCK_MONOTONIC
int64_t iw_process_clock_ns(int32_t pid);     // processor time of all its threads; 0 when there is no such process
int iw_pin_thread(int cpu);                   // pins the calling thread
int64_t iw_thread_involuntary_switches(void); // of the calling thread so far
