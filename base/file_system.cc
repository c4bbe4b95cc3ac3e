#include "base/file_system.h"

#include <filesystem>

namespace barograph {
namespace {

Status WriteSynced(FileSystem& files, const std::string& path, std::string_view bytes) {
  auto file = TRY(files.OpenWritable(path, OpenMode::kCreate));
  TRY(file->Append(bytes));
  TRY(file->Sync());
  return file->Close();
}

}  // namespace

Result<std::string> FileSystem::ReadFile(const std::string& path) {
  const auto contents = TRY(Map(path));
  return std::string(contents->bytes());
}

Status FileSystem::WriteFile(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  Status written = WriteSynced(*this, temporary, bytes);
  if (written.has_value()) written = Rename(temporary, path);
  if (!written.has_value()) {
    // Best effort: the first error is the one to tell.
    static_cast<void>(Remove(temporary));
    return written;
  }
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return SyncDirectory(parent.empty() ? "." : parent);
}

Result<uint64_t> FileSystem::BytesBelow(const std::string& directory) {
  uint64_t bytes = 0;
  const auto entries = List(directory);
  if (!entries && entries.error().code == ErrorCode::kNotFound) return bytes;
  if (!entries) return std::unexpected(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    bytes += entry.is_directory ? TRY(BytesBelow(directory + "/" + entry.name)) : entry.size;
  }
  return bytes;
}

}  // namespace barograph
