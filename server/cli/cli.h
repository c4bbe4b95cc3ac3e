#pragma once

#include <string>
#include <vector>

/// The program's verbs. Each takes its arguments and returns the exit code.
namespace barograph::server::cli {

using Arguments = std::vector<std::string>;

/// Finds the verb (serve where there is none) and runs it.
int Main(const Arguments& arguments);

int Serve(const Arguments& arguments);  ///< barograph [serve] [FLAGS]
int Check(const Arguments& arguments);  ///< barograph check config FILE... | healthy | ready
int Test(const Arguments& arguments);   ///< barograph test promql FILE...
int Tsdb(const Arguments& arguments);   ///< barograph tsdb import|export|dump|list|analyze|verify
int Query(const Arguments& arguments);  ///< barograph query instant|range|series|labels|explain ...

/// Exit codes, as Prometheus's programs have them.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;  ///< also a bad configuration at start

}  // namespace barograph::server::cli
