#pragma once

#include "tests/conformance/area.h"

/// The run_file function of each area; areas.cc puts them in the table.
namespace barograph::conformance {

void RunConfig(const std::string& path, Reporter& reporter);
void RunFileSd(const std::string& path, Reporter& reporter);
void RunLabels(const std::string& path, Reporter& reporter);
void RunOpenmetrics(const std::string& path, Reporter& reporter);
void RunPromql(const std::string& path, Reporter& reporter);
void RunPromqlParser(const std::string& path, Reporter& reporter);
void RunRelabel(const std::string& path, Reporter& reporter);
void RunTextparse(const std::string& path, Reporter& reporter);
void RunTsdb(const std::string& path, Reporter& reporter);

}  // namespace barograph::conformance
