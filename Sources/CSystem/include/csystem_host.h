// What this machine is: processor identity and instruction sets from cpuid, cache geometry from /sys.
// Facts only: no bandwidths, no guesses. What cannot be found out is 0.
// Reads the system, keeps nothing.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
  char vendor[16];  // "GenuineIntel", "AuthenticAMD", or the architecture's name where there is no cpuid
  int32_t family;
  int32_t model;
  int32_t stepping;
  uint8_t avx2, fma, f16c;
  uint8_t avx512f, avx512bw, avx512dq, avx512vl;  // set only if the operating system saves the registers too
  uint8_t avx512_vnni, avx512_bf16, amx_tile;
} iw_cpu;

void iw_cpu_identify(iw_cpu *cpu);

typedef struct {
  int32_t level;
  int32_t instruction_only;
  int64_t bytes;
  int64_t line_bytes;
  int64_t ways;
  int64_t sharing_cpus;  // how many logical processors share one instance
} iw_cache;

// Fills up to `capacity` caches of logical processor 0, in the system's order; returns how many there are.
size_t iw_caches(iw_cache *caches, size_t capacity);

int64_t iw_online_cpus(void);
int64_t iw_usable_cpus(void);  // those this process may run on
int64_t iw_memory_bytes(void);
int iw_landlock_abi(void);     // 0 where Landlock is missing
