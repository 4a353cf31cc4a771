// The text of iw_storage.h as data, for sources of kernels with storage types.
#include "ckernelruntime.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char source[] = {
#embed "include/iw_storage.h"
};
#pragma clang diagnostic pop

const unsigned char *iw_storage_source_begin(void) { return source; }
unsigned long iw_storage_source_count(void) { return sizeof source; }
