// What Swift cannot call or must not do itself: processes, locks, shared memory, processor facts, the measuring child.
// Part of the tools only; nothing here is shipped in a bundle.
// No library beyond the C library is needed; the system-call filter is written out in child_seccomp.c.
#pragma once
#include "csystem_files.h"
#include "csystem_host.h"
#include "csystem_measure.h"
#include "csystem_process.h"
