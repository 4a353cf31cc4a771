// The measuring child's main loop: open objects, lay out pointers, run or time them, answer.
// Executions work on the shared memory itself, so that the parent can see every byte that was written; timings work on
// a private copy in huge pages. It checks every span against the arena, and it ends when the conversation does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "measure_internal.h"

typedef struct {
  void *handle;
  void *model;
  iw_destroy *destroy;
  char weights[IW_PATH_MAX];
} slot;

typedef struct {
  uint8_t *base;
  uint64_t bytes;
} region;

static slot slots[IW_SLOTS_MAX];
static region shared, arena;  // the parent's memory, and our huge-page copy of it
static const uint64_t huge_page = 2u << 20;

static int read_all(void *into, size_t count) {
  for (uint8_t *at = into; count > 0;) {
    ssize_t got = read(IW_MEASURE_SOCKET, at, count);
    if (got <= 0) return 0;
    at += got;
    count -= (size_t)got;
  }
  return 1;
}

static int write_all(const void *from, size_t count) {
  for (const uint8_t *at = from; count > 0;) {
    ssize_t put = write(IW_MEASURE_SOCKET, at, count);
    if (put <= 0) return 0;
    at += put;
    count -= (size_t)put;
  }
  return 1;
}

static uint32_t fail(iw_reply *reply, uint32_t status, const char *text) {
  snprintf(reply->text, sizeof reply->text, "%s", text ? text : "");
  return reply->status = status;
}

static uint32_t map_shared(uint64_t bytes, iw_reply *reply) {
  if (bytes <= shared.bytes) return IW_OK;
  if (shared.base) munmap(shared.base, shared.bytes);
  shared = (region){0};
  void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, IW_MEASURE_MEMORY, 0);
  if (base == MAP_FAILED) return fail(reply, IW_NO_MEMORY, "shared memory");
  shared = (region){base, bytes};
  return IW_OK;
}

// Makes the private arena at least `bytes` long, aligned to a huge page and asking for huge pages.
static uint32_t map_arena(uint64_t bytes, iw_reply *reply) {
  if (bytes <= arena.bytes) return IW_OK;
  if (arena.base) munmap(arena.base, arena.bytes);
  arena = (region){0};
  uint64_t rounded = (bytes + huge_page - 1) / huge_page * huge_page;
  uint8_t *raw = mmap(NULL, rounded + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return fail(reply, IW_NO_MEMORY, "private memory");
  uint8_t *base = (uint8_t *)(((uintptr_t)raw + huge_page - 1) / huge_page * huge_page);
  if (base > raw) munmap(raw, (size_t)(base - raw));
  uint8_t *end = base + rounded, *raw_end = raw + rounded + huge_page;
  if (raw_end > end) munmap(end, (size_t)(raw_end - end));
  madvise(base, rounded, MADV_HUGEPAGE);
  arena = (region){base, rounded};
  return IW_OK;
}

static void close_slot(slot *which) {
  if (which->model && which->destroy) which->destroy(which->model);
  if (which->handle) dlclose(which->handle);
  memset(which, 0, sizeof *which);
}

static uint32_t load(const iw_request *request, iw_reply *reply) {
  slot *which = &slots[request->slot];
  close_slot(which);
  which->handle = dlopen(request->path, RTLD_NOW | RTLD_LOCAL);
  return which->handle ? IW_OK : fail(reply, IW_NOT_LOADED, dlerror());
}

static int inside(iw_span span, uint64_t bytes) { return span.offset <= bytes && span.bytes <= bytes - span.offset; }

static int valid_kernel(const iw_kernel *kernel, const iw_request *request) {
  if (memchr(kernel->symbol, 0, sizeof kernel->symbol) == NULL) return 0;
  if (kernel->slot >= IW_SLOTS_MAX || !slots[kernel->slot].handle) return 0;
  if (kernel->phase_count > IW_PHASES_MAX || kernel->operand_count > IW_OPERANDS_MAX) return 0;
  for (uint32_t i = 0; i < kernel->operand_count; i++)
    if (!inside(kernel->operands[i], request->arena_bytes)) return 0;
  return inside(kernel->scratch, request->arena_bytes);
}

// Resolves every phase of every kernel, with scratch addresses in `base`. The result holds at most
// kernel_count x IW_PHASES_MAX steps.
static uint32_t resolve(const iw_request *request, const iw_kernel *kernels, uint8_t *base, iw_step *steps,
                        size_t *count, iw_reply *reply) {
  *count = 0;
  for (uint32_t k = 0; k < request->kernel_count; k++) {
    if (!valid_kernel(&kernels[k], request)) return fail(reply, IW_BAD_REQUEST, "a kernel outside the limits");
    for (uint32_t p = 0; p < kernels[k].phase_count; p++) {
      char name[IW_SYMBOL_MAX + 16];
      snprintf(name, sizeof name, "%s_%u", kernels[k].symbol, p);
      iw_phase *function = (iw_phase *)dlsym(slots[kernels[k].slot].handle, name);
      if (!function) return fail(reply, IW_NO_SYMBOL, name);
      void *scratch = kernels[k].scratch.bytes ? base + kernels[k].scratch.offset : NULL;
      steps[(*count)++] = (iw_step){function, kernels[k].tasks[p], (size_t)k * IW_OPERANDS_MAX, scratch};
    }
  }
  return IW_OK;
}

// Copies the constants once more for every further copy; returns where copy 1 starts.
static uint64_t further_copies_at(const iw_request *request) { return (request->arena_bytes + 4095) / 4096 * 4096; }
static uint64_t copy_stride(const iw_request *request) { return (request->constant_bytes + 4095) / 4096 * 4096; }

static void point(const iw_request *request, const iw_kernel *kernels, uint8_t *base, void **pointers) {
  size_t per_copy = (size_t)request->kernel_count * IW_OPERANDS_MAX;
  for (uint32_t c = 0; c < request->constant_copies; c++)
    for (uint32_t k = 0; k < request->kernel_count; k++)
      for (uint32_t i = 0; i < kernels[k].operand_count; i++) {
        uint64_t offset = kernels[k].operands[i].offset;
        if (c > 0 && offset < request->constant_bytes)
          offset += further_copies_at(request) + (uint64_t)(c - 1) * copy_stride(request);
        pointers[c * per_copy + (size_t)k * IW_OPERANDS_MAX + i] = base + offset;
      }
}

static void limit_cpu(uint64_t milliseconds) {
  struct itimerval timer = {.it_value = {(time_t)(milliseconds / 1000), (suseconds_t)(milliseconds % 1000 * 1000)}};
  setitimer(ITIMER_PROF, &timer, NULL);
}

// Fills the private arena from the shared one, with the further copies of the constants behind it.
static uint32_t copy_in(const iw_request *request, iw_reply *reply) {
  uint64_t extra = (uint64_t)(request->constant_copies - 1) * copy_stride(request);
  uint32_t failed = map_arena(further_copies_at(request) + extra, reply);
  if (failed) return failed;
  memcpy(arena.base, shared.base, request->arena_bytes);
  for (uint32_t c = 1; c < request->constant_copies; c++)
    memcpy(arena.base + further_copies_at(request) + (uint64_t)(c - 1) * copy_stride(request), shared.base,
           request->constant_bytes);
  return IW_OK;
}

static void work(iw_work *todo, const iw_request *request, int timed, iw_reply *reply) {
  iw_flush_denormals();
  limit_cpu(request->cpu_ms_max);
  if (timed) {
    iw_work_time(todo, request, reply);
  } else {
    iw_work_call(todo);
    reply->calls = 1;
  }
  limit_cpu(0);
  if (todo->run_status != 0) {
    reply->detail = todo->run_status;
    fail(reply, IW_RUN_FAILED, "run");
  }
}

static uint32_t run_kernels(const iw_request *request, const iw_kernel *kernels, iw_reply *reply) {
  int timed = request->kind == IW_TIME;
  uint32_t failed = timed ? copy_in(request, reply) : IW_OK;
  if (failed) return failed;
  uint8_t *base = timed ? arena.base : shared.base;
  size_t per_copy = (size_t)request->kernel_count * IW_OPERANDS_MAX, count = 0;
  iw_step *steps = calloc((size_t)request->kernel_count * IW_PHASES_MAX + 1, sizeof *steps);
  void **pointers = calloc(per_copy * request->constant_copies + 1, sizeof *pointers);
  if (!steps || !pointers) failed = fail(reply, IW_NO_MEMORY, "pointer tables");
  if (!failed) failed = resolve(request, kernels, base, steps, &count, reply);
  if (!failed) {
    point(request, kernels, base, pointers);
    iw_work todo = {.steps = steps, .step_count = count, .pointers = pointers, .pointers_per_copy = per_copy,
                    .copies = request->constant_copies};
    work(&todo, request, timed, reply);
  }
  free(steps);
  free(pointers);
  return reply->status;
}

// Every kernel's steps are a work of its own; `works` has room for all.
static void split_works(const iw_request *request, const iw_kernel *kernels, const iw_step *steps,
                        void *const *pointers, iw_work *works) {
  size_t at = 0;
  for (uint32_t k = 0; k < request->kernel_count; k++) {
    works[k] = (iw_work){.steps = steps + at, .step_count = kernels[k].phase_count, .pointers = pointers,
                         .pointers_per_copy = (size_t)request->kernel_count * IW_OPERANDS_MAX,
                         .copies = request->constant_copies};
    at += kernels[k].phase_count;
  }
}

static uint32_t run_rounds(const iw_request *request, const iw_kernel *kernels, const uint8_t *order,
                           iw_reply *reply) {
  uint32_t failed = copy_in(request, reply);
  if (failed) return failed;
  size_t count = 0;
  iw_step *steps = calloc((size_t)request->kernel_count * IW_PHASES_MAX + 1, sizeof *steps);
  size_t per_copy = (size_t)request->kernel_count * IW_OPERANDS_MAX;
  void **pointers = calloc(per_copy * request->constant_copies + 1, sizeof *pointers);
  iw_work *works = calloc((size_t)request->kernel_count + 1, sizeof *works);
  if (!steps || !pointers || !works) failed = fail(reply, IW_NO_MEMORY, "pointer tables");
  if (!failed) failed = resolve(request, kernels, arena.base, steps, &count, reply);
  if (!failed) {
    point(request, kernels, arena.base, pointers);
    split_works(request, kernels, steps, pointers, works);
    iw_flush_denormals();
    limit_cpu(request->cpu_ms_max);
    iw_work_rounds(works, order, request, reply);
    limit_cpu(0);
  }
  free(steps);
  free(pointers);
  free(works);
  return reply->status;
}

static void *symbol_of(const iw_request *request, const char *suffix, iw_reply *reply) {
  char name[IW_SYMBOL_MAX + 16];
  snprintf(name, sizeof name, "%s_%s", request->prefix, suffix);
  void *found = dlsym(slots[request->slot].handle, name);
  if (!found) fail(reply, IW_NO_SYMBOL, name);
  return found;
}

// Creates the slot's model unless it already holds one with these weights.
static uint32_t create_model(const iw_request *request, iw_reply *reply) {
  slot *which = &slots[request->slot];
  if (which->model && strcmp(which->weights, request->path) == 0) return IW_OK;
  iw_create *create = (iw_create *)symbol_of(request, "create", reply);
  iw_destroy *destroy = (iw_destroy *)symbol_of(request, "destroy", reply);
  if (!create || !destroy) return reply->status;
  if (which->model) which->destroy(which->model);
  which->model = NULL;
  limit_cpu(request->cpu_ms_max);
  int status = create(request->path, &which->model);
  limit_cpu(0);
  if (status != 0 || !which->model) {
    which->model = NULL;
    reply->detail = status;
    return fail(reply, IW_CREATE_FAILED, "create");
  }
  which->destroy = destroy;
  memcpy(which->weights, request->path, sizeof which->weights);
  return IW_OK;
}

static uint32_t run_program(const iw_request *request, const iw_span *spans, iw_reply *reply) {
  static void *buffers[IW_BUFFERS_MAX];
  int timed = request->kind == IW_PROGRAM_TIME;
  for (uint32_t i = 0; i < request->buffer_count; i++)
    if (!inside(spans[i], request->arena_bytes)) return fail(reply, IW_BAD_REQUEST, "a buffer outside the arena");
  iw_run *run = (iw_run *)symbol_of(request, "run", reply);
  if (!run || create_model(request, reply)) return reply->status;
  if (timed && copy_in(request, reply)) return reply->status;
  uint8_t *base = timed ? arena.base : shared.base;
  for (uint32_t i = 0; i < request->buffer_count; i++) buffers[i] = base + spans[i].offset;
  iw_work todo = {.run = run, .model = slots[request->slot].model, .inputs = (const void *const *)buffers,
                  .outputs = buffers + request->input_count};
  work(&todo, request, timed, reply);
  return reply->status;
}

// Rounds have a limited number of samples and calls that end.
static int valid_rounds(const iw_request *request) {
  return request->kernel_count >= 1 && request->samples <= IW_SAMPLES_MAX / request->kernel_count &&
         request->calls >= 1 && request->calls <= 1u << 30;
}

static int valid_order(const iw_request *request, const uint8_t *order) {
  for (uint32_t round = 0; round < request->samples; round++) {
    uint8_t seen[IW_KERNELS_MAX] = {0};
    for (uint32_t place = 0; place < request->kernel_count; place++) {
      uint8_t k = order[round * request->kernel_count + place];
      if (k >= request->kernel_count || seen[k]) return 0;
      seen[k] = 1;
    }
  }
  return 1;
}

static int valid_request(const iw_request *request) {
  return request->magic == IW_MEASURE_MAGIC && request->kind >= IW_LOAD && request->kind <= IW_ROUNDS &&
         request->slot < IW_SLOTS_MAX && request->kernel_count <= IW_KERNELS_MAX &&
         request->buffer_count <= IW_BUFFERS_MAX && request->input_count <= request->buffer_count &&
         request->samples <= IW_SAMPLES_MAX && request->constant_copies >= 1 && request->constant_copies <= 4096 &&
         request->constant_bytes <= request->arena_bytes && memchr(request->path, 0, IW_PATH_MAX) &&
         memchr(request->prefix, 0, IW_SYMBOL_MAX);
}

// Answers one request; 0 when the conversation is over.
static int answer_one(void) {
  static iw_request request;
  static iw_kernel kernels[IW_KERNELS_MAX];
  static iw_span spans[IW_BUFFERS_MAX];
  static uint8_t order[IW_SAMPLES_MAX];
  static iw_reply reply;
  if (!read_all(&request, sizeof request) || !valid_request(&request)) return 0;
  if (request.kernel_count && !read_all(kernels, request.kernel_count * sizeof *kernels)) return 0;
  if (request.kind == IW_ROUNDS) {
    if (!valid_rounds(&request) || !read_all(order, (size_t)request.samples * request.kernel_count)) return 0;
    if (!valid_order(&request, order)) return 0;
  }
  if (request.buffer_count && !read_all(spans, request.buffer_count * sizeof *spans)) return 0;
  memset(&reply, 0, sizeof reply);
  reply.magic = IW_MEASURE_MAGIC;
  reply.kind = request.kind;
  reply.sequence = request.sequence;
  if (request.kind == IW_LOAD) {
    load(&request, &reply);
  } else if (!map_shared(request.arena_bytes, &reply)) {
    if (request.kind == IW_EXECUTE || request.kind == IW_TIME) run_kernels(&request, kernels, &reply);
    else if (request.kind == IW_ROUNDS) run_rounds(&request, kernels, order, &reply);
    else if (slots[request.slot].handle) run_program(&request, spans, &reply);
    else fail(&reply, IW_NOT_LOADED, "the slot is empty");
  }
  return write_all(&reply, sizeof reply);
}

int iw_child_main(int argc, char **argv) {
  const char **folders = calloc((size_t)argc, sizeof *folders);
  iw_hardening wanted = {.cpu = -1, .folders = folders};
  if (!folders) return 1;
  for (int i = 2; i < argc; i++) {
    if (strncmp(argv[i], "memory=", 7) == 0) wanted.memory_bytes_max = strtoull(argv[i] + 7, NULL, 10);
    else if (strncmp(argv[i], "cpu=", 4) == 0) wanted.cpu = atoi(argv[i] + 4);
    else if (strncmp(argv[i], "read=", 5) == 0) folders[wanted.folder_count++] = argv[i] + 5;
    else return 1;
  }
  iw_reply hello = {.magic = IW_MEASURE_MAGIC, .kind = IW_HELLO};
  hello.hardening = iw_harden(&wanted);
  if (!(hello.hardening & IW_HARDENED_SECCOMP)) hello.status = IW_BAD_REQUEST;
  if (!write_all(&hello, sizeof hello) || hello.status) return 1;
  while (answer_one()) {
  }
  return 0;
}
