// The texts of iw_math.h, iw_math_arc.h and iw_math_f64.h as data, one after the other, so that the emitter
// can put them at the head of every generated source.
#include "ckernelruntime.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
const unsigned char iw_math_source[] = {
#embed "include/iw_math.h"
,
#embed "include/iw_math_arc.h"
,
#embed "include/iw_math_f64.h"
};
#pragma clang diagnostic pop

const unsigned long iw_math_source_bytes = sizeof iw_math_source;

const unsigned char *iw_math_source_begin(void) { return iw_math_source; }
unsigned long iw_math_source_count(void) { return iw_math_source_bytes; }
