// The text of iw_lanes.h as data, for the C of programs with several lanes.
#include "ckernelruntime.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char source[] = {
#embed "include/iw_lanes.h"
};
#pragma clang diagnostic pop

const unsigned char *iw_lanes_source_begin(void) { return source; }
unsigned long iw_lanes_source_count(void) { return sizeof source; }
