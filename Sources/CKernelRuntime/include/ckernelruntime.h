// What the compiler side needs of the kernel runtime: the text of iw_math.h and its parts, which heads every
// generated source of kernels, that of iw_storage.h, which follows where a kernel has storage types, and that of
// iw_lanes.h, which stands in the C of every program with several lanes.
#pragma once

/// The bytes of these headers, without a terminating zero.
extern const unsigned char iw_math_source[];
extern const unsigned long iw_math_source_bytes;

/// The same, for Swift, which imports no array of unknown length.
const unsigned char *iw_math_source_begin(void);
unsigned long iw_math_source_count(void);

/// The bytes of iw_storage.h, without a terminating zero.
const unsigned char *iw_storage_source_begin(void);
unsigned long iw_storage_source_count(void);

/// The bytes of iw_lanes.h, without a terminating zero.
const unsigned char *iw_lanes_source_begin(void);
unsigned long iw_lanes_source_count(void);
