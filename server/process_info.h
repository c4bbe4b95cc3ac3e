#pragma once

#include <cstddef>
#include <string>

namespace barograph::server {

std::string HostName();
std::string WorkingDirectory();
/// How many threads the process has now.
size_t ThreadCount();

}  // namespace barograph::server
