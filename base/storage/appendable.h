#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/time.h"

/// The writing side of the seam. A scrape is a row: a target's series are the columns of a table,
/// and one call appends one value to each. Samples that come alone take an Appender.
namespace barograph {

/// A column of a ScrapeTable: dense, from 0.
using ColumnId = uint32_t;

/// One scrape. values[c] is column c's sample where bit c of `presence` is set (word c / 64, bit
/// c % 64), and is ignored where it is not. `values` may be shorter than the table is wide: the
/// columns past its end are absent.
struct Row {
  Timestamp timestamp;
  std::span<const double> values;
  std::span<const uint64_t> presence;

  /// When what each value counts began: parallel to `values`, kUnknownStart where nobody told; or
  /// empty. Those of staleness markers are ignored, as everywhere.
  std::span<const Timestamp> start_timestamps = {};
};

/// Why storage refuses a sample for good.
enum class RefusalReason : uint8_t {
  kOutOfOrder,   ///< older than its series' newest, where such samples are not taken
  kTooOld,       ///< older than the out-of-order window that is set
  kDuplicate,    ///< the series has another value at that time
  kOutOfBounds,  ///< a time that storage cannot keep
};

struct Refusal {
  SeriesId series;
  Timestamp timestamp;
  RefusalReason reason;
};

/// What became of a batch. A refused sample does not stop the others; one that is there already,
/// to the bit, counts as appended.
struct AppendReport {
  uint64_t appended = 0;
  uint64_t out_of_order = 0;
  uint64_t too_old = 0;
  uint64_t duplicate = 0;
  uint64_t out_of_bounds = 0;

  static constexpr size_t kMaxFirst = 5;
  std::vector<Refusal> first;  ///< the first kMaxFirst refused samples, for messages

  uint64_t refused() const { return out_of_order + too_old + duplicate + out_of_bounds; }
};

/// The series of one target. Not thread-safe: one scrape loop owns it. Destroying it ends
/// nothing in storage.
class ScrapeTable {
 public:
  virtual ~ScrapeTable() = default;

  /// The column for the series with `labels`: the one it has, or a new one (a released number may
  /// come again). LimitExceeded when storage takes no new series; Io when the log cannot be
  /// written.
  virtual Result<ColumnId> AddColumn(const Labels& labels) = 0;

  /// Gives a column up after its series ended. The series' samples stay.
  virtual void ReleaseColumn(ColumnId column) = 0;

  /// The series that has the column; kNoSeries where none has.
  virtual SeriesId series(ColumnId column) const = 0;

  /// One more than the highest column in use.
  virtual size_t width() const = 0;

  /// Appends one row. When this returns a value, the row is in the write-ahead log and visible to
  /// queries; on an error nothing of it is.
  virtual Result<AppendReport> AppendRow(const Row& row) = 0;
};

/// Collects samples of any series and commits them together. Not thread-safe.
class Appender {
 public:
  virtual ~Appender() = default;

  /// The id of the series with `labels`, new when there is none.
  virtual Result<SeriesId> Resolve(const Labels& labels) = 0;

  /// `start` is when what the sample counts began, kUnknownStart where nobody told.
  virtual void Append(SeriesId series, Sample sample, Timestamp start) = 0;
  void Append(SeriesId series, Sample sample) { Append(series, sample, kUnknownStart); }

  /// A native histogram; one whose sum is kStaleNan is a staleness marker. Its counter reset hint
  /// is kept only where it says gauge: the others are found anew when the series is read.
  virtual void AppendHistogram(SeriesId series, Timestamp timestamp,
                               const FloatHistogram& histogram, Timestamp start) = 0;
  void AppendHistogram(SeriesId series, Timestamp timestamp, const FloatHistogram& histogram) {
    AppendHistogram(series, timestamp, histogram, kUnknownStart);
  }

  /// Writes what was collected to the log and makes it visible; then the appender is empty again.
  virtual Result<AppendReport> Commit() = 0;
};

/// Something that takes samples. Thread-safe.
class Appendable {
 public:
  virtual ~Appendable() = default;
  virtual Result<std::unique_ptr<ScrapeTable>> OpenTable() = 0;
  virtual std::unique_ptr<Appender> NewAppender() = 0;
};

}  // namespace barograph
