#include "server/cli/scratch_database.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics/registry.h"
#include "base/time.h"
#include "tsdb/database.h"

namespace barograph::server::cli {
namespace {

/// A fresh folder, removed with all in it when the object ends.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<ScratchFolder> MakeScratchFolder() {
  std::error_code error;
  std::string path = (std::filesystem::temp_directory_path(error) / "barograph-XXXXXX").string();
  if (error || mkdtemp(path.data()) == nullptr) {
    return Fail(ErrorCode::kIo, "cannot make a temporary folder: " +
                                    std::generic_category().message(error ? error.value() : errno));
  }
  return ScratchFolder(std::move(path));
}

class ScratchDatabase final : public promql::script::Storage {
 public:
  explicit ScratchDatabase(ScratchFolder folder) : folder_(std::move(folder)) {}

  Status Open() {
    tsdb::Options options;
    options.path = folder_.path();
    options.wal_fsync = tsdb::WalFsync::kOff;
    database_ =
        TRY(tsdb::Database::Open(PosixFileSystem(), SystemClock(), Logger(), metrics_, options));
    return {};
  }

  Appendable& appendable() override { return *database_; }
  const Queryable& queryable() override { return *database_; }

 private:
  const ScratchFolder folder_;
  MetricsRegistry metrics_;
  std::unique_ptr<tsdb::Database> database_;
};

}  // namespace

Result<std::unique_ptr<promql::script::Storage>> NewScratchDatabase() {
  auto database = std::make_unique<ScratchDatabase>(TRY(MakeScratchFolder()));
  TRY(database->Open());
  return database;
}

}  // namespace barograph::server::cli
