#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

/// Where test scripts lie.
namespace barograph::promql::testing {

/// The source folder, found from where the test binary lies: some folder above its build tree.
inline std::filesystem::path SourceFolder() {
  std::error_code error;
  std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  while (!std::filesystem::exists(folder / "tests/promql/scripts") &&
         folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  return folder;
}

/// The project's own scripts.
inline std::filesystem::path OwnScripts() { return SourceFolder() / "tests/promql/scripts"; }

/// The scripts of a folder by name; none where there is no such folder.
inline std::vector<std::filesystem::path> ScriptsIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

inline std::string ReadScript(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace barograph::promql::testing
