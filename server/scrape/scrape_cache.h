#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/result.h"
#include "base/storage/appendable.h"
#include "server/scrape/exposition.h"
#include "server/scrape/lone_series.h"
#include "server/scrape/metadata_store.h"
#include "server/scrape/scrape_row.h"
#include "server/scrape/series_labels.h"
#include "server/scrape/start_groups.h"
#include "server/scrape/value_text.h"

/// Parse by expectation. A target shows the same lines in the same order, page after page; only
/// the values differ. So the cache remembers, in page order, each line's identity (a seeded
/// 64-bit hash of the bytes before the value; of a comment, the whole line) and the column of its
/// series. The next page is compared line by line with what is expected; on a match only the
/// value has to be read, and not even that when its text is the same as before: the row has it
/// still. A line that differs is parsed in full, looked up among the expected ones, and if it is
/// new, its labels are made. What was not expected now is expected next time.
///
/// An exemplar behind a value differs on each page: it is parsed, the line before it is not. Lines
/// of series that may not be are expected too, as those that relabelling drops.
///
/// 24 bytes a line are kept, or for all comments of a family that stand together, and no text.
/// Alternatives: keeping the last page's text and comparing with memcmp is as fast but takes 2-3
/// times the memory; keeping nothing but a hash map from text to series is what other servers do.
namespace barograph::server {

enum class PageFormat : uint8_t { kPrometheusText, kOpenMetricsText };

/// How a page is to be read.
struct PageRules {
  PageFormat format = PageFormat::kPrometheusText;
  bool honor_timestamps = true;
  bool exemplars = false;                       ///< are wanted
  uint64_t sample_limit = 0;                    ///< of those left after relabelling; 0 is none
  uint64_t max_line_bytes = uint64_t{4} << 20;  ///< at most ScrapeCache::kMaxLineBytes
  Timestamp newest = kMaxTimestamp;             ///< samples after it are out of bounds
  bool starts = false;  ///< OpenMetrics's `_created` lines are no series: they tell starts
};

/// What was found on a page. Of a page that fails, the part before the failure.
struct PageCounts {
  uint64_t scraped = 0;        ///< samples
  uint64_t kept = 0;           ///< samples that relabelling did not drop
  uint64_t added = 0;          ///< series that are new
  uint64_t duplicates = 0;     ///< samples of a series that has one on this page already
  uint64_t out_of_bounds = 0;  ///< explicit timestamps too far in the future
  uint64_t slow_lines = 0;     ///< lines that were not as expected
  uint64_t refused = 0;        ///< samples of series that were refused before (Refuse)
};

struct LoneSample {
  LoneId lone;
  Sample sample;
};

/// What came with a sample that counts.
struct PageExemplar {
  bool lone = false;
  uint32_t target = 0;                 ///< the series' LoneId, or ColumnId
  std::optional<Timestamp> of_sample;  ///< the sample's own timestamp
  ExposedExemplar exemplar;
};

/// A series that was not expected. `line` is where to bind it.
struct NewSeries {
  size_t line = 0;
  Labels labels;
  double value = 0;
  std::optional<Timestamp> timestamp;
  std::optional<ExposedExemplar> exemplar;
  StartGroup start_group = kNoStartGroup;
};

/// One target's expectation. Not thread-safe. A scrape is Read, then Bind for each new series,
/// then Commit; or Read and Discard, after which the expectation is that from before.
class ScrapeCache {
 public:
  static constexpr uint64_t kMaxLineBytes = (uint64_t{1} << 23) - 1;

  /// `metadata` must outlive it.
  explicit ScrapeCache(MetadataStore& metadata);

  /// Reads `page`: sets known series in `row` (which the caller began), and gathers
  /// lone_samples(), exemplars() and new_series(). Errors: what the parser says of the page, what
  /// `labels` says of a series, LimitExceeded for the sample limit or a line too long. `counts` is
  /// filled in any case.
  Status Read(std::string_view page, const PageRules& rules, const SeriesLabels& labels,
              ScrapeRow& row, PageCounts& counts);

  const std::vector<LoneSample>& lone_samples() const { return lone_samples_; }
  const std::vector<NewSeries>& new_series() const { return new_series_; }

  /// Those of series that are bound, in page order but for new ones, which come last.
  const std::vector<PageExemplar>& exemplars() const { return exemplars_; }

  /// Tells which column a new series got, and sets its value in `row`; counts a duplicate where
  /// the column has another value. A series that is not bound is new again on the next page.
  void Bind(const NewSeries& series, ColumnId column, ScrapeRow& row, PageCounts& counts);
  /// The same for one with a timestamp; its sample joins lone_samples().
  void BindLone(const NewSeries& series, SeriesId id);

  /// Remembers that a new series is refused: on the next pages its line is only stepped over, and
  /// counted. It has no series, so what is remembered is bounded; what does not fit is new again.
  void Refuse(const NewSeries& series);
  /// What was refused is new again on the next page.
  void ForgetRefused();
  bool has_refused() const { return refused_count_ > 0; }

  LoneSeries& lone_series() { return lone_series_; }

  /// Tells `row` when the page's series began, as far as the page does; after the last Bind.
  void TellStarts(ScrapeRow& row);
  /// The same of a sample that came alone.
  Timestamp StartOf(const LoneSample& sample) const;

  /// Expects from now on what the page had. Gives the columns that no expected line has any more.
  std::vector<ColumnId> Commit();

  /// Forgets the page: what was expected before still is. The row may change as it likes.
  void Discard();

  /// Expects nothing any more, as after a change of the rules that make labels. The columns are
  /// given back by the next Commit.
  void Forget();

  size_t expected_lines() const { return expected_.size(); }

  /// How many series they are of, those that relabelling drops left out.
  size_t expected_series() const { return column_count_ + lone_series_.size(); }

 private:
  static constexpr size_t kMaxRefused = size_t{1} << 16;
  // A line with a timestamp is another one than the same line without.
  static constexpr uint64_t kLoneSalt = 0x9e3779b97f4a7c15;

  enum class LineKind : uint8_t {
    kSeries,    // target: the column
    kLone,      // target: the LoneId; the line has a timestamp
    kDropped,   // a series that relabelling drops
    kRepeat,    // a series line again, same text; target: the column
    kComment,   // nothing to it
    kMetadata,  // HELP or UNIT; target: the FamilyId
    kType,      // maybe with these; target: the FamilyId; text_bytes: the MetricType
    kUnbound,   // a new series that has no place yet
    kCreated,   // when a metric began; target: its StartGroup
    kRefused,   // a series that may not be; target: 1 where the line has a timestamp
  };
  struct Line {
    uint64_t identity = 0;
    // The value's, while it is short. Of kSeries only while it is this line that gave its column
    // the value that the row has there.
    ValueText text;
    uint32_t identity_bytes : 23 = 0;
    uint32_t text_bytes : 5 = 0;  // 0 where there is no text
    uint32_t kind_bits : 4 = 0;
    uint32_t target = 0;

    LineKind kind() const { return static_cast<LineKind>(kind_bits); }
    void set_kind(LineKind kind) { kind_bits = static_cast<uint32_t>(kind) & 15; }
    bool TellsFamily() const { return kind() == LineKind::kMetadata || kind() == LineKind::kType; }
    bool lone() const {
      return kind() == LineKind::kLone || (kind() == LineKind::kRefused && target == 1);
    }
    void Remember(const char* begin, const char* end);
    bool TakeText(const char*& in) const;
  };
  // The page being read, and what goes with it.
  struct Reading;

  uint64_t Hash(std::string_view bytes) const;
  uint64_t IdentityOf(std::string_view text) const;

  // What is as expected.
  size_t ReadExpected(Reading& reading, size_t at);
  bool ReadLastLine(Reading& reading, Line& line, const char*& in);
  bool ReadLine(Reading& reading, Line& line, const char*& in);
  static bool ReadColumnSample(Reading& reading, Line& line, const char*& in);
  static bool SkipSample(Reading& reading, Line& line, const char*& in);
  static bool EndSample(Reading& reading, bool may_count, const char*& in);
  static bool ReadExemplarEnd(Reading& reading, const char*& in);
  bool ReadCreated(Line& line, const char*& in);
  bool ReadLoneSample(Reading& reading, const Line& line, const char*& in);
  static bool ReadTimestamp(const Reading& reading, const char*& in, int64_t& timestamp_ms);

  // What is not. These give the position behind the entry that starts at `at`.
  Result<size_t> ReadSlowly(Reading& reading, size_t at);
  Status ReadSeriesEntry(Reading& reading);
  static Result<bool> IsCreated(const Reading& reading);
  Status ReadCreatedEntry(Reading& reading, Line line);
  StartGroup GroupOf(const Reading& reading, const Labels& exposed);
  void ForgetUnusedGroups();
  Status ReadNewSeries(Reading& reading, Line line, std::optional<Timestamp> timestamp);
  void ReadKnownSeries(Reading& reading, Line& line, std::optional<Timestamp> timestamp);
  void ReadComment(Reading& reading, Entry entry);
  void AddComment(Reading& reading, Line line, size_t end);
  static std::optional<ExposedExemplar> ReadExemplar(const Reading& reading);

  static void CountRefused(Reading& reading);
  bool Keep(Reading& reading, const Line& line, double value, std::optional<Timestamp> timestamp);
  void KeepExemplar(const Line& line, std::optional<Timestamp> of_sample,
                    std::optional<ExposedExemplar> exemplar);
  Line* FindExpected(uint64_t identity, bool lone);
  void MatchAt(Line& line);
  void Diverge();
  void IndexExpected();
  void StartFormat(PageFormat format);
  void EndPage();
  std::vector<ColumnId> TakeUnusedColumns();

  MetadataStore& metadata_;
  uint64_t seed_;
  PageFormat format_ = PageFormat::kPrometheusText;
  std::vector<Line> expected_;
  size_t next_expected_ = 0;

  // Only while a page differs from what was expected: what will be.
  bool diverged_ = false;
  std::vector<Line> next_;
  std::vector<bool> matched_;                            // which of expected_ the page had
  boost::unordered_flat_map<uint64_t, uint32_t> index_;  // identity to place in expected_
  boost::unordered_flat_map<uint64_t, uint32_t> fresh_;  // the same for new lines, in next_

  std::vector<NewSeries> new_series_;
  std::vector<LoneSample> lone_samples_;
  std::vector<PageExemplar> exemplars_;
  LoneSeries lone_series_;
  std::vector<uint64_t> columns_;  // a bit for each column that expected lines have
  size_t column_count_ = 0;
  size_t refused_count_ = 0;  // of expected_, and of next_ by Refuse

  StartGroups starts_;
  std::vector<StartGroup> column_groups_;  // by column
  std::vector<StartGroup> lone_groups_;    // by LoneId
};

}  // namespace barograph::server
