#include "server/version.h"

#include <fmt/format.h>

#include "server/version_values.h"

namespace barograph::server {

std::string_view Version() { return BAROGRAPH_VERSION; }
std::string_view Revision() { return BAROGRAPH_REVISION; }
std::string_view Branch() { return BAROGRAPH_BRANCH; }
std::string_view CommitDate() { return BAROGRAPH_COMMIT_DATE; }
std::string_view Compiler() { return "clang " __clang_version__; }

std::string_view Platform() {
#if defined(__x86_64__)
  return "linux/amd64";
#elif defined(__aarch64__)
  return "linux/arm64";
#else
  return "linux";
#endif
}

std::string VersionText() {
  return fmt::format(
      "barograph, version {} (branch: {}, revision: {})\n"
      "  build date:       {}\n"
      "  compiler:         {}\n"
      "  platform:         {}\n",
      Version(), Branch(), Revision(), CommitDate(), Compiler(), Platform());
}

}  // namespace barograph::server
