#pragma once

#include <string>
#include <string_view>

/// Which build of the program this is, baked in by CMake.
namespace barograph::server {

std::string_view Version();     ///< 0.1.0
std::string_view Revision();    ///< the git commit; empty outside a repository
std::string_view Branch();      ///< empty likewise
std::string_view CommitDate();  ///< 20261123-13:30:00; empty likewise
std::string_view Compiler();    ///< such as clang 19.1.7
std::string_view Platform();    ///< such as linux/amd64

/// What --version prints, in the form of Prometheus's programs.
std::string VersionText();

}  // namespace barograph::server
