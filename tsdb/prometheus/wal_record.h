#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/result.h"
#include "base/storage/exemplars.h"
#include "tsdb/prometheus/samples.h"

namespace barograph::tsdb::prometheus {

/// What one record of Prometheus's write-ahead log says: each record is of one kind. Series are
/// named by references that mean nothing elsewhere.
struct WalRecord {
  struct Float {
    uint64_t series;
    Timestamp timestamp;
    double value;
  };
  struct Histogram {
    uint64_t series;
    Timestamp timestamp;
    StoredHistogram histogram;
  };

  struct OneExemplar {
    uint64_t series;
    Exemplar exemplar;
  };

  std::vector<std::pair<uint64_t, Labels>> series;
  std::vector<Float> floats;
  std::vector<Histogram> histograms;
  std::vector<OneExemplar> exemplars;
  std::vector<std::pair<uint64_t, TimeRange>> tombstones;

  /// Metadata and what only Prometheus's own files are about: known, and not read.
  bool ignored = false;

  void Clear();
};

/// Whether the record is about series or tombstones, and not samples or exemplars.
bool IsWalDefinition(std::string_view record);

/// Decodes a record (prometheus/tsdb/docs/format/wal.md and tsdb/record/record.go, up to
/// Prometheus 3.14; start timestamps are read past). Corruption, without a file's name, when it is
/// not what it says or of an unknown kind; `out` is incomplete then.
Status DecodeWalRecord(std::string_view record, WalRecord& out);

}  // namespace barograph::tsdb::prometheus
