#include <algorithm>
#include <filesystem>
#include <iostream>
#include <vector>

#include "tests/conformance/area.h"

// conformance AREA FILE...: runs the cases of an area's files (of a folder, all its *.jsonl,
// *.test and *.txt), prints those that fail, and ends with `N passed, N failed`.

namespace barograph::conformance {
namespace {

std::vector<std::string> ExpandFolder(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string extension = entry.path().extension().string();
    const bool has_cases = extension == ".jsonl" || extension == ".test" || extension == ".txt";
    if (has_cases) files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

void RunFile(const Area& area, const std::string& path, Reporter& reporter) {
  reporter.BeginFile(path);
  try {
    area.run_file(path, reporter);
  } catch (const std::exception& error) {
    reporter.Fail("(file)", error.what());
  }
}

int Usage() {
  std::cerr << "usage: conformance AREA FILE...\nareas:";
  for (const Area& area : Areas()) std::cerr << " " << area.name;
  std::cerr << "\n";
  return 2;
}

int Main(std::span<char*> arguments) {
  if (arguments.size() < 3) return Usage();
  const auto area = std::ranges::find(Areas(), std::string_view(arguments[1]), &Area::name);
  if (area == Areas().end()) return Usage();
  Reporter reporter;
  for (const char* argument : arguments.subspan(2)) {
    for (const std::string& path : ExpandFolder(argument)) RunFile(*area, path, reporter);
  }
  std::cout << reporter.passed() << " passed, " << reporter.failed() << " failed\n";
  return reporter.failed() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace barograph::conformance

int main(int argc, char** argv) {
  return barograph::conformance::Main({argv, static_cast<size_t>(argc)});
}
