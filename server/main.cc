#include "server/cli/cli.h"

#ifdef BAROGRAPH_MIMALLOC
#include <mimalloc.h>
#endif

namespace {

// What one query frees, the next one takes: not given back to the system in between, and touched
// anew (docs/decisions/0004-allocator.md).
void SetUpAllocator() {
#ifdef BAROGRAPH_MIMALLOC
  constexpr long kDecommitDelayMs = 1000;
  mi_option_set_default(mi_option_decommit_delay, kDecommitDelayMs);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  SetUpAllocator();
  return barograph::server::cli::Main({argv + 1, argv + argc});
}
