// Processor identity from cpuid, together with the operating system's part of the answer (xgetbv): an instruction
// set counts only if its registers survive a switch between threads. Cache geometry comes from /sys.
// Declared and described in include/csystem_host.h.
#define _GNU_SOURCE
#include "include/csystem_host.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

void iw_cpu_identify(iw_cpu *cpu) {
  memset(cpu, 0, sizeof *cpu);
  unsigned a, b, c, d;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return;
  memcpy(cpu->vendor, &b, 4);
  memcpy(cpu->vendor + 4, &d, 4);
  memcpy(cpu->vendor + 8, &c, 4);
  if (!__get_cpuid(1, &a, &b, &c, &d)) return;
  int family = (int)(a >> 8 & 0xf), model = (int)(a >> 4 & 0xf);
  if (family == 6 || family == 15) model |= (int)(a >> 16 & 0xf) << 4;
  if (family == 15) family += (int)(a >> 20 & 0xff);
  cpu->family = family;
  cpu->model = model;
  cpu->stepping = (int)(a & 0xf);
  int saves = (c >> 27 & 1) != 0;
  uint64_t saved = saves ? saved_registers() : 0;
  int wide256 = (saved & 0x6) == 0x6, wide512 = (saved & 0xe6) == 0xe6, tiles = (saved & 0x60000) == 0x60000;
  cpu->fma = wide256 && (c >> 12 & 1);
  cpu->f16c = wide256 && (c >> 29 & 1);
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
  cpu->avx2 = wide256 && (b >> 5 & 1);
  cpu->avx512f = wide512 && (b >> 16 & 1);
  cpu->avx512dq = wide512 && (b >> 17 & 1);
  cpu->avx512bw = wide512 && (b >> 30 & 1);
  cpu->avx512vl = wide512 && (b >> 31 & 1);
  cpu->avx512_vnni = wide512 && (c >> 11 & 1);
  cpu->amx_tile = tiles && (d >> 24 & 1);
  if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) cpu->avx512_bf16 = wide512 && (a >> 5 & 1);
}
#else
void iw_cpu_identify(iw_cpu *cpu) {
  memset(cpu, 0, sizeof *cpu);
#if defined(__aarch64__)
  strcpy(cpu->vendor, "aarch64");
#else
  strcpy(cpu->vendor, "unknown");
#endif
}
#endif

static int read_line(const char *folder, const char *name, char *text, size_t size) {
  char path[160];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  char *got = fgets(text, (int)size, file);
  fclose(file);
  return got != NULL;
}

static int64_t read_number(const char *folder, const char *name) {
  char text[64];
  if (!read_line(folder, name, text, sizeof text)) return 0;
  char *end;
  int64_t value = strtoll(text, &end, 10);
  return *end == 'K' ? value << 10 : *end == 'M' ? value << 20 : value;
}

// Counts a list such as "0-3,8": the logical processors that share a cache.
static int64_t count_list(const char *text) {
  int64_t count = 0;
  while (*text >= '0' && *text <= '9') {
    char *end;
    long first = strtol(text, &end, 10), last = first;
    if (*end == '-') last = strtol(end + 1, &end, 10);
    count += last - first + 1;
    text = *end == ',' ? end + 1 : end;
  }
  return count;
}

size_t iw_caches(iw_cache *caches, size_t capacity) {
  size_t count = 0;
  for (int index = 0; index < 16; index++) {
    char folder[80], text[1024];
    snprintf(folder, sizeof folder, "/sys/devices/system/cpu/cpu0/cache/index%d", index);
    if (!read_line(folder, "type", text, sizeof text)) break;
    if (count < capacity) {
      iw_cache *cache = &caches[count];
      cache->instruction_only = strncmp(text, "Instruction", 11) == 0;
      cache->level = (int32_t)read_number(folder, "level");
      cache->bytes = read_number(folder, "size");
      cache->line_bytes = read_number(folder, "coherency_line_size");
      cache->ways = read_number(folder, "ways_of_associativity");
      cache->sharing_cpus = read_line(folder, "shared_cpu_list", text, sizeof text) ? count_list(text) : 0;
    }
    count++;
  }
  return count;
}

int64_t iw_online_cpus(void) { return sysconf(_SC_NPROCESSORS_ONLN); }

int64_t iw_usable_cpus(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : iw_online_cpus();
}

int64_t iw_memory_bytes(void) { return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE); }

int iw_landlock_abi(void) {
  long abi = syscall(444, NULL, 0, 1);  // landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)
  return abi < 0 ? 0 : (int)abi;
}
