#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/time.h"

/// The reading side of the seam between storage and everything above it. Storage answers with
/// whole series in columns: a query decodes a stretch of a series once, into arrays.
namespace barograph {

/// The samples of one series in a time range. timestamps[i] belongs to values[i]; timestamps
/// ascend strictly. Staleness markers are included.
struct SeriesSamples {
  std::span<const Timestamp> timestamps;
  std::span<const double> values;

  /// Parallel to `values`, or empty when the series has no native histograms in the range: where
  /// it is not null, the sample is that histogram and values[i] is unspecified.
  std::span<const FloatHistogram* const> histograms;

  /// When what each sample counts began: parallel to `values`, kUnknownStart where nobody told.
  /// Empty when that holds for all, or SelectHints did not ask.
  std::span<const Timestamp> start_timestamps;

  /// Two SeriesSamples of one cursor's selection with the same non-zero number have the very same
  /// timestamps (they are series of one target): what is computed from one column of timestamps
  /// holds for the other.
  uint64_t timestamp_column = 0;

  size_t size() const { return timestamps.size(); }
};

/// Decodes the series of a selection, in any order. One thread at a time; make one a thread.
class SeriesCursor {
 public:
  virtual ~SeriesCursor() = default;

  /// Decodes series `index` within the selection's time range. The spans live until the next
  /// call or the cursor's end. Corruption names the file; the cursor stays usable.
  virtual Result<SeriesSamples> Read(size_t index) = 0;
};

/// The series that a selector found, frozen at the moment of Select: later appends may or may not
/// be seen, samples that were there are. Thread-safe.
class Selection {
 public:
  virtual ~Selection() = default;

  /// Series that match and may have samples in the range. They are in no particular order.
  virtual size_t size() const = 0;
  virtual Labels labels(size_t index) const = 0;
  virtual SeriesId id(size_t index) const = 0;
  virtual std::unique_ptr<SeriesCursor> NewCursor() const = 0;

  /// False only where it is sure that all samples are floats.
  virtual bool may_have_histograms() const { return true; }
};

/// What the query will do with what it selects. Storage may use it to do less, and may ignore it.
struct SelectHints {
  std::string function;                 ///< the innermost function or aggregation, may be empty
  std::vector<std::string> projection;  ///< the only labels that matter, when `projected`
  bool projected = false;               ///< series may then be without the others
  bool start_timestamps = false;        ///< whether SeriesSamples::start_timestamps are wanted

  /// Of floats only matters which are staleness markers: any other value may stand for what is not
  /// one.
  bool presence_only = false;
};

struct LabelQuery {
  TimeRange range;
  Matchers matchers;  ///< may be empty: all series
  size_t limit = 0;   ///< 0 is none
};

/// A moment in the history of a storage's changes. 0 is none: the storage does not keep track.
struct ChangeMark {
  uint64_t number = 0;
};

/// Something that can be queried. Thread-safe. A long call polls `stop` and returns Cancelled.
class Queryable {
 public:
  virtual ~Queryable() = default;

  /// The series that match all of `matchers`, at least one of which must not match the empty
  /// string, and overlap `range`.
  virtual Result<std::unique_ptr<Selection>> Select(TimeRange range, const Matchers& matchers,
                                                    const SelectHints& hints,
                                                    std::stop_token stop) const = 0;

  /// The label names, or the values of `name`, of matching series: sorted and unique.
  virtual Result<std::vector<std::string>> LabelNames(const LabelQuery& query,
                                                      std::stop_token stop) const = 0;
  virtual Result<std::vector<std::string>> LabelValues(const std::string& name,
                                                       const LabelQuery& query,
                                                       std::stop_token stop) const = 0;

  /// The label sets of matching series, in label order.
  virtual Result<std::vector<Labels>> Series(const LabelQuery& query,
                                             std::stop_token stop) const = 0;

  /// Marks this moment, before a Select whose results may be used again. Storage that gives marks
  /// lists series in the order of their ids, whatever a selection's range.
  virtual ChangeMark MarkChanges() const { return {}; }

  /// A stretch of time in which nothing was added, replaced or deleted since `mark`, by calls that
  /// returned before this one began: whoever selected there after the mark would find the same
  /// now. May be shorter than it could be; nullopt where nothing is sure.
  virtual std::optional<TimeRange> UnchangedSince(ChangeMark) const { return std::nullopt; }
};

}  // namespace barograph
