// The parent's half of the conversation with the measuring child: send a request, wait for its reply with a deadline.
// Also setters for the fixed-size structures, and the red zone's pattern and its check.
// Declared and described in include/csystem_measure.h.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "include/csystem_measure.h"
#include "include/csystem_process.h"

static int send_all(int socket, const void *from, size_t count) {
  for (const uint8_t *at = from; count > 0;) {
    ssize_t put = send(socket, at, count, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return EPIPE;
    at += put;
    count -= (size_t)put;
  }
  return 0;
}

static int receive_all(int socket, void *into, size_t count, int64_t deadline_ns) {
  for (uint8_t *at = into; count > 0;) {
    int64_t left_ms = (deadline_ns - iw_clock_ns()) / 1000000;
    int waited = iw_wait_readable(socket, left_ms < 0 ? 0 : left_ms);
    if (waited != 0) return waited;
    ssize_t got = recv(socket, at, count, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return EPIPE;
    at += got;
    count -= (size_t)got;
  }
  return 0;
}

static int receive_reply(int socket, uint32_t kind, uint64_t sequence, iw_reply *reply, int64_t timeout_ms) {
  int failed = receive_all(socket, reply, sizeof *reply, iw_clock_ns() + timeout_ms * 1000000);
  if (failed) return failed;
  reply->text[sizeof reply->text - 1] = 0;
  int known = reply->magic == IW_MEASURE_MAGIC && reply->kind == kind && reply->sequence == sequence;
  return known && reply->sample_count <= IW_SAMPLES_MAX ? 0 : EPROTO;
}

int iw_measure_call(int socket, const iw_request *request, const void *tail, size_t tail_bytes, iw_reply *reply,
                    int64_t timeout_ms) {
  int failed = send_all(socket, request, sizeof *request);
  if (!failed && tail_bytes) failed = send_all(socket, tail, tail_bytes);
  return failed ? failed : receive_reply(socket, request->kind, request->sequence, reply, timeout_ms);
}

int iw_measure_hello(int socket, iw_reply *reply, int64_t timeout_ms) {
  return receive_reply(socket, IW_HELLO, 0, reply, timeout_ms);
}

static int set_text(char *field, size_t size, const char *text) {
  size_t length = strlen(text);
  if (length >= size) return 0;
  memset(field, 0, size);
  memcpy(field, text, length);
  return 1;
}

int iw_request_set_path(iw_request *request, const char *path) {
  return set_text(request->path, sizeof request->path, path);
}
int iw_request_set_prefix(iw_request *request, const char *prefix) {
  return set_text(request->prefix, sizeof request->prefix, prefix);
}
int iw_kernel_set_symbol(iw_kernel *kernel, const char *symbol) {
  return set_text(kernel->symbol, sizeof kernel->symbol, symbol);
}
void iw_kernel_set_tasks(iw_kernel *kernel, size_t phase, int64_t tasks) { kernel->tasks[phase] = tasks; }
void iw_kernel_set_operand(iw_kernel *kernel, size_t index, iw_span span) { kernel->operands[index] = span; }
iw_sample iw_reply_sample(const iw_reply *reply, size_t index) { return reply->samples[index]; }
const char *iw_reply_text(const iw_reply *reply) { return reply->text; }

// A quiet NaN as f32, so that a result nobody wrote, or a read past the end, shows itself.
static const uint32_t canary_word = 0x7fc1d00du;
static uint8_t canary_byte(uint64_t offset) { return (uint8_t)(canary_word >> (offset % 4 * 8)); }

void iw_canary_fill(void *bytes, size_t count, uint64_t phase) {
  uint8_t *at = bytes;
  size_t i = 0;
  for (; i < count && (phase + i) % 4 != 0; i++) at[i] = canary_byte(phase + i);
  for (; i + 4 <= count; i += 4) memcpy(at + i, &canary_word, 4);
  for (; i < count; i++) at[i] = canary_byte(phase + i);
}

int64_t iw_canary_find(const void *bytes, size_t count, uint64_t phase) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < count; i++)
    if (at[i] != canary_byte(phase + i)) return (int64_t)i;
  return -1;
}

uint64_t iw_fingerprint(const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  uint64_t a = 0x9e3779b97f4a7c15u, b = 0xc2b2ae3d27d4eb4fu, word;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    memcpy(&word, at + i, 8);
    a = (a ^ word) * 0xff51afd7ed558ccdu;
    a ^= a >> 32;
    memcpy(&word, at + i + 8, 8);
    b = (b ^ word) * 0xc4ceb9fe1a85ec53u;
    b ^= b >> 29;
  }
  for (; i < count; i++) a = (a ^ at[i]) * 0x100000001b3u;
  uint64_t mixed = (a ^ (b << 17 | b >> 47)) * 0xff51afd7ed558ccdu;
  return mixed ^ (mixed >> 33) ^ count;
}
