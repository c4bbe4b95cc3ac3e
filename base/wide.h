#pragma once

/// BAROGRAPH_WIDE before a function: it is compiled for the wider vectors of newer processors as
/// well, and each process chooses at its start what its processor has. For innermost loops without
/// branches that depend on values, of which compilers make vectors. Results have the same bits on
/// every machine where a loop fixes the order of its operations and contracts none of them.
// Sanitizers are not there yet when a process chooses among the clones.
#if defined(__x86_64__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define BAROGRAPH_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define BAROGRAPH_WIDE
#endif
