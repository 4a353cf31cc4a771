// Shared by the files of the measuring child; not seen by Swift.
// The types of a candidate's functions, what one call of it is, and the steps of hardening.
// Everything that crosses the process border is in include/csystem_measure.h instead.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "include/csystem_measure.h"

typedef void iw_phase(void *const *operands, int64_t first, int64_t last, void *scratch);
typedef int iw_create(const char *weights, void **model);
typedef int iw_run(void *model, const void *const *inputs, void *const *outputs);
typedef void iw_destroy(void *model);

// One call in the order in which a candidate makes them.
typedef struct {
  iw_phase *function;
  int64_t tasks;
  size_t table;  // where this kernel's operands start in the pointer table of a copy
  void *scratch;
} iw_step;

// What one timed or executed call is: steps over one of `copies` pointer tables, or one run of a program.
typedef struct {
  const iw_step *steps;
  size_t step_count;
  void *const *pointers;  // copies x pointers_per_copy
  size_t pointers_per_copy;
  size_t copies;
  size_t next_copy;
  iw_run *run;  // NULL: kernels
  void *model;
  const void *const *inputs;
  void *const *outputs;
  int run_status;  // first status of `run` that was not 0
} iw_work;

void iw_work_call(iw_work *work);
void iw_work_time(iw_work *work, const iw_request *request, iw_reply *reply);
void iw_work_rounds(iw_work *works, const uint8_t *order, const iw_request *request, iw_reply *reply);

typedef struct {
  uint64_t memory_bytes_max;
  int cpu;  // -1: not pinned
  const char *const *folders;
  size_t folder_count;
} iw_hardening;

// Hardens this process for good. Returns the IW_HARDENED_* bits that hold; without IW_HARDENED_SECCOMP nothing may run.
uint32_t iw_harden(const iw_hardening *wanted);
int iw_load_seccomp(void);  // 0 or errno

void iw_flush_denormals(void);
