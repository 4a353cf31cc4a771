// SHA-256 (FIPS 180-4) over one contiguous buffer or over a stream of buffers.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t state[8];
  uint64_t length_bytes;
  uint8_t block[64];
  int uses_instructions;  // the processor's own rounds; set by begin, 0 computes the same without them
} iw_sha256;

void iw_sha256_begin(iw_sha256 *context);
void iw_sha256_update(iw_sha256 *context, const void *data, size_t bytes);
void iw_sha256_end(iw_sha256 *context, uint8_t digest[32]);
