// The measuring child: the process in which compiled candidates run. It is this same binary, entered before anything
// else starts; it hardens itself, answers fixed-size requests on descriptor 3 and works on the shared memory behind
// descriptor 4. Both sides of the conversation are declared here.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
  IW_MEASURE_SOCKET = 3,
  IW_MEASURE_MEMORY = 4,
  IW_MEASURE_MAGIC = 0x49574d31,  // a reply or request that starts otherwise ends the conversation
  IW_SLOTS_MAX = 32,              // objects open at once
  IW_PHASES_MAX = 16,             // per kernel
  IW_OPERANDS_MAX = 32,           // per kernel
  IW_KERNELS_MAX = 256,           // per request
  IW_BUFFERS_MAX = 256,           // inputs plus outputs of a program
  IW_SAMPLES_MAX = 256,           // per reading; rounds x kernels of a final
  IW_DROPPED_MAX = 8,             // disturbed samples retried per reading
  IW_SYMBOL_MAX = 128,
  IW_PATH_MAX = 1024,
};

enum {
  IW_HELLO = 1,            // no request: the child's first message
  IW_LOAD = 2,             // opens `path` in `slot`, closing what was there
  IW_EXECUTE = 3,          // runs the kernels once, in order, on the shared memory
  IW_TIME = 4,             // times the kernels on a private copy of it
  IW_PROGRAM_EXECUTE = 5,  // runs a bundle once on the shared memory
  IW_PROGRAM_TIME = 6,
  IW_ROUNDS = 7,           // times the kernels against each other: each once a round, in a given order
};

enum {
  IW_OK = 0,
  IW_BAD_REQUEST = 1,     // outside the limits above or the arena
  IW_NOT_LOADED = 2,      // dlopen failed, or the slot is empty; `text` says why
  IW_NO_SYMBOL = 3,       // `text` names it
  IW_NO_MEMORY = 4,
  IW_CREATE_FAILED = 5,   // PREFIX_create returned `detail`
  IW_RUN_FAILED = 6,      // PREFIX_run returned `detail`
};

enum {
  IW_HARDENED_NAMESPACES = 1 << 0,
  IW_HARDENED_LANDLOCK = 1 << 1,
  IW_HARDENED_SECCOMP = 1 << 2,
};

typedef struct {
  uint64_t offset;  // from the start of the arena
  uint64_t bytes;
} iw_span;

typedef struct {
  char symbol[IW_SYMBOL_MAX];  // phase p is the function symbol_p
  uint32_t slot;               // where its object is open
  uint32_t phase_count;
  uint32_t operand_count;
  int64_t tasks[IW_PHASES_MAX];
  iw_span operands[IW_OPERANDS_MAX];
  iw_span scratch;
} iw_kernel;

// Followed on the socket by kernel_count kernels (and for rounds by the order: samples x kernel_count bytes, in each
// round every kernel's number once), or by buffer_count spans (inputs, then outputs).
typedef struct {
  uint32_t magic;
  uint32_t kind;
  uint64_t sequence;
  uint32_t slot;             // of a program
  uint32_t kernel_count;
  uint32_t input_count;
  uint32_t buffer_count;
  uint64_t arena_bytes;
  uint64_t constant_bytes;   // constants lie in the arena's first bytes; these are what streaming copies
  uint32_t constant_copies;  // 1: resident
  uint32_t samples;          // ROUNDS: rounds
  uint64_t calls;            // ROUNDS: calls of each kernel in a round
  uint64_t warm_ns;
  uint64_t sample_ns_min;
  double cutoff_ns;          // per call; 0: none
  uint64_t cpu_ms_max;       // SIGPROF after this much processor time in the request; 0: none
  char path[IW_PATH_MAX];    // object (LOAD) or weights (PROGRAM_*)
  char prefix[IW_SYMBOL_MAX];
} iw_request;

typedef struct {
  double ns_per_call;
  uint64_t calls;
  uint64_t involuntary_switches;
} iw_sample;

typedef struct {
  uint32_t magic;
  uint32_t kind;
  uint64_t sequence;
  uint32_t status;
  int32_t detail;
  uint32_t hardening;      // HELLO only
  uint32_t sample_count;
  uint32_t dropped;        // samples thrown away because of involuntary switches
  uint32_t cut;            // 1: slower than the cutoff, stopped early
  uint64_t calls;          // executions in this request
  iw_sample samples[IW_SAMPLES_MAX];  // ROUNDS: of round r kernel k is number r x kernel_count + k
  char text[256];
} iw_reply;

// The child's main: `PROGRAM measure-child memory=BYTES [cpu=N] [read=FOLDER]…`. Call it in the first line of main,
// before any thread exists. Returns the process's exit code.
int iw_child_main(int argc, char **argv);

// Parent side: sends a request with its tail and waits for the reply with the same sequence. ETIMEDOUT: no reply in
// time. EPIPE: the child ended. EPROTO: it answered with something else.
int iw_measure_call(int socket, const iw_request *request, const void *tail, size_t tail_bytes, iw_reply *reply,
                    int64_t timeout_ms);
int iw_measure_hello(int socket, iw_reply *reply, int64_t timeout_ms);

// Fixed-size fields, for callers that cannot index C arrays. Setters return 0 when the value does not fit.
int iw_request_set_path(iw_request *request, const char *path);
int iw_request_set_prefix(iw_request *request, const char *prefix);
int iw_kernel_set_symbol(iw_kernel *kernel, const char *symbol);
void iw_kernel_set_tasks(iw_kernel *kernel, size_t phase, int64_t tasks);
void iw_kernel_set_operand(iw_kernel *kernel, size_t index, iw_span span);
iw_sample iw_reply_sample(const iw_reply *reply, size_t index);
const char *iw_reply_text(const iw_reply *reply);

// Writes the red zone's pattern; finds the first byte in a range that no longer holds it (-1: none). `phase` is the
// range's offset from the start of the arena, so that a zone may start anywhere.
void iw_canary_fill(void *bytes, size_t count, uint64_t phase);
int64_t iw_canary_find(const void *bytes, size_t count, uint64_t phase);

// A fast 64-bit fingerprint, to see whether bytes were changed. Not a digest.
uint64_t iw_fingerprint(const void *bytes, size_t count);
