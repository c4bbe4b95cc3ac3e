#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "tsdb/chunk/value_codec.h"
#include "tsdb/wal/row_codec.h"

/// The memory that one row takes on its way into a table: 24 bytes for each column that changes
/// and 10 for each at all, and the encoder's. There are as many workspaces as rows that were under
/// way at once: the number of threads, not of targets.
namespace barograph::tsdb {

struct RowWorkspace {
  std::vector<uint64_t> present;
  std::vector<double> values;  ///< of a row with start timestamps
  std::vector<RowChange> changes;
  RowBuffers buffers;
  std::string body;
  std::string payload;
  ValueEncoder encoder;
};

/// Workspaces that wait for use. Thread-safe.
class RowWorkspaces {
 public:
  /// Gives its workspace back at its end.
  class Lease {
   public:
    explicit Lease(RowWorkspaces& pool) : pool_(pool), workspace_(pool.Take()) {}
    ~Lease() { pool_.Return(std::move(workspace_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    RowWorkspace& operator*() const { return *workspace_; }
    RowWorkspace* operator->() const { return workspace_.get(); }

   private:
    RowWorkspaces& pool_;
    std::unique_ptr<RowWorkspace> workspace_;
  };

 private:
  static constexpr size_t kKept = 64;
  static constexpr size_t kKeptChanges = 1 << 16;  // that of a wider row is not kept

  std::unique_ptr<RowWorkspace> Take() {
    MutexLock lock(mutex_);
    if (idle_.empty()) return std::make_unique<RowWorkspace>();
    auto workspace = std::move(idle_.back());
    idle_.pop_back();
    return workspace;
  }
  void Return(std::unique_ptr<RowWorkspace> workspace) {
    if (workspace->changes.capacity() > kKeptChanges) return;
    MutexLock lock(mutex_);
    if (idle_.size() < kKept) idle_.push_back(std::move(workspace));
  }

  Mutex mutex_;
  std::vector<std::unique_ptr<RowWorkspace>> idle_ GUARDED_BY(mutex_);
};

}  // namespace barograph::tsdb
