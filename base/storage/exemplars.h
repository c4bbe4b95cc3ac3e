#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/time.h"

/// Exemplars: single events that a series counts, such as one request, with labels that lead to
/// more about them, such as the id of its trace (OpenMetrics 1.0, "Exemplars"). The newest are
/// kept, however many series they belong to.
namespace barograph {

struct Exemplar {
  Labels labels;  ///< the event's, not the series'
  double value = 0;
  Timestamp timestamp;
  /// False where who told of it gave no time, so that it got its sample's: told again with another
  /// sample, it is the same exemplar.
  bool timed = true;
};

/// The most code points that an exemplar's labels may have, names and values together (OpenMetrics
/// 1.0, "Exemplars").
inline constexpr size_t kMaxExemplarLabelLength = 128;

/// What became of an exemplar.
enum class ExemplarVerdict : uint8_t {
  kAppended,
  kRepeated,    ///< it is there already
  kOutOfOrder,  ///< older than its series' newest (or not after it, in a fixed order)
  kInvalid,  ///< labels longer than kMaxExemplarLabelLength or not UTF-8, or no time that is kept
  kOff,      ///< none are kept
};

struct SeriesExemplar {
  SeriesId series;
  Exemplar exemplar;
};

/// Something that takes exemplars. Thread-safe.
class ExemplarAppendable {
 public:
  virtual ~ExemplarAppendable() = default;

  /// Appends in the order given; a verdict for each. The series are those that storage gave the ids
  /// of. When it returns a value, what was appended is in the log and visible; after an error (Io
  /// when the log cannot be written, InvalidArgument for an unknown series) nothing is.
  virtual Result<std::vector<ExemplarVerdict>> AppendExemplars(
      std::span<const SeriesExemplar> exemplars) = 0;
};

/// The exemplars of one series, oldest first.
struct ExemplarSeries {
  Labels labels;
  std::vector<Exemplar> exemplars;
};

/// Something whose exemplars can be asked for. Thread-safe.
class ExemplarQueryable {
 public:
  virtual ~ExemplarQueryable() = default;

  /// The exemplars in `range` of the series that match all matchers of at least one of `selectors`,
  /// by series in label order. A long call polls `stop` and returns Cancelled.
  virtual Result<std::vector<ExemplarSeries>> SelectExemplars(TimeRange range,
                                                              std::span<const Matchers> selectors,
                                                              std::stop_token stop) const = 0;
};

}  // namespace barograph
