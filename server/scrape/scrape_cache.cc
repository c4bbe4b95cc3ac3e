#include "server/scrape/scrape_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "server/scrape/openmetrics_parser.h"
#include "server/scrape/text_parser.h"

namespace barograph::server {
namespace {

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

// A line with a longer exemplar takes the slow way, which looks at the line's length.
constexpr ptrdiff_t kMaxExemplarBytes = 4096;

std::unique_ptr<ExpositionParser> MakeParser(PageFormat format, std::string_view page) {
  if (format == PageFormat::kOpenMetricsText) return std::make_unique<OpenMetricsParser>(page);
  return std::make_unique<TextParser>(page);
}

Status CheckLineLength(size_t bytes, const PageRules& rules) {
  if (bytes <= std::min(rules.max_line_bytes, ScrapeCache::kMaxLineBytes)) return {};
  return Fail(ErrorCode::kLimitExceeded,
              fmt::format("a line of the page is longer than the limit of {} bytes",
                          std::min(rules.max_line_bytes, ScrapeCache::kMaxLineBytes)));
}

// The position behind the value at `in` and the blank or newline that ends it; else nullptr.
const char* ReadValueAndEnd(const char* in, double& value) {
  const char* stop = ReadValue(in, value);
  return stop != nullptr && (*stop == '\n' || *stop == ' ') ? stop + 1 : nullptr;
}

}  // namespace

void ScrapeCache::Line::Remember(const char* begin, const char* end) {
  const auto bytes = static_cast<size_t>(end - begin);
  text_bytes = bytes <= ValueText::kMaxBytes ? static_cast<uint32_t>(bytes) & 31 : 0;
  text.Set(begin);
}

// Steps over the text that is remembered, if it is there.
bool ScrapeCache::Line::TakeText(const char*& in) const {
  if (text_bytes == 0 || !text.Matches(in, text_bytes)) return false;
  in += text_bytes;
  return true;
}

struct ScrapeCache::Reading {
  std::string_view page;
  const PageRules& rules;
  const SeriesLabels& labels;
  ScrapeRow& row;
  PageCounts& counts;
  const char* readable_end;                    // no byte is read from there on
  std::unique_ptr<ExpositionParser> parser;    // once a line is not as expected
  std::optional<OpenMetricsParser> line_ends;  // once a line has an exemplar
  bool has_exemplar = false;                   // of the line that is read as expected, in line_ends
  MetricType type = MetricType::kUnknown;
  uint64_t against_limit = 0;
  size_t new_comment_end = 0;  // of the last line of next_, where that is a comment, on the page
  size_t new_comment_line = 0;
  bool ended = false;

  bool over_limit() const { return rules.sample_limit > 0 && against_limit > rules.sample_limit; }
};

ScrapeCache::ScrapeCache(MetadataStore& metadata) : metadata_(metadata), seed_(RandomSeed()) {}

uint64_t ScrapeCache::Hash(std::string_view bytes) const {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed_);
}

// A text that the value follows at once, as in `a+1`, does not say where it ends: `a1` begins with
// it, and is another name. Such a line is never read as expected.
uint64_t ScrapeCache::IdentityOf(std::string_view text) const {
  constexpr uint64_t kEndlessSalt = 0xd1b54a32d192ed03;
  const bool ends = text.ends_with(' ') || text.ends_with('}') || text.ends_with('\t');
  return ends ? Hash(text) : Hash(text) ^ kEndlessSalt;
}

Status ScrapeCache::Read(std::string_view page, const PageRules& rules, const SeriesLabels& labels,
                         ScrapeRow& row, PageCounts& counts) {
  StartFormat(rules.format);
  next_expected_ = 0;
  Reading reading{.page = page,
                  .rules = rules,
                  .labels = labels,
                  .row = row,
                  .counts = counts,
                  .readable_end = page.data() + page.size(),
                  .parser = nullptr,
                  .line_ends = std::nullopt};
  // The text format has no line that must be the last.
  const bool ends_anywhere = rules.format == PageFormat::kPrometheusText;
  for (size_t at = 0; !reading.ended;) {
    at = ReadExpected(reading, at);
    if (at == page.size() && ends_anywhere) break;
    at = TRY(ReadSlowly(reading, at));
  }
  if (next_expected_ < expected_.size()) Diverge();
  if (!reading.over_limit()) return {};
  return Fail(ErrorCode::kLimitExceeded, "sample limit exceeded");
}

// ---- What is as expected.

size_t ScrapeCache::ReadExpected(Reading& reading, size_t at) {
  const char* in = reading.page.data() + at;
  const char* const end = reading.page.data() + reading.page.size();
  while (next_expected_ < expected_.size()) {
    if (diverged_ && matched_[next_expected_]) break;
    Line& line = expected_[next_expected_];
    if (static_cast<size_t>(end - in) < line.identity_bytes) break;
    if (Hash({in, line.identity_bytes}) != line.identity) break;
    const char* next = in + line.identity_bytes;
    const bool has_margin = static_cast<size_t>(end - next) >= kValueMargin;
    if (!(has_margin ? ReadLine(reading, line, next) : ReadLastLine(reading, line, next))) break;
    in = next;
    MatchAt(line);
  }
  return static_cast<size_t>(in - reading.page.data());
}

// As ReadLine, where the page ends within the margin that values are read with.
bool ScrapeCache::ReadLastLine(Reading& reading, Line& line, const char*& in) {
  std::array<char, 2 * kValueMargin> copy{};
  std::copy(in, reading.page.data() + reading.page.size(), copy.begin());
  const char* const page_end = std::exchange(reading.readable_end, copy.data() + copy.size());
  const char* next = copy.data();
  const bool read = ReadLine(reading, line, next);
  reading.readable_end = page_end;
  in += next - copy.data();
  return read;
}

// Reads the rest of a line whose identity is that of `line`. False, and nothing is counted, where
// that needs a closer look.
bool ScrapeCache::ReadLine(Reading& reading, Line& line, const char*& in) {
  switch (line.kind()) {
    case LineKind::kSeries:
      if (!ReadColumnSample(reading, line, in)) return false;
      if (std::exchange(reading.has_exemplar, false) && reading.rules.exemplars) {
        KeepExemplar(line, std::nullopt, reading.line_ends->exemplar());
      }
      ++reading.against_limit;
      ++reading.counts.scraped;
      ++reading.counts.kept;
      return true;
    case LineKind::kLone: return ReadLoneSample(reading, line, in);
    case LineKind::kDropped:
      if (!SkipSample(reading, line, in)) return false;
      ++reading.counts.scraped;
      return true;
    case LineKind::kRepeat:
      if (!reading.row.Has(line.target) || !SkipSample(reading, line, in)) return false;
      ++reading.counts.scraped;
      ++reading.counts.kept;
      ++reading.counts.duplicates;
      return true;
    case LineKind::kRefused:
      if (!SkipSample(reading, line, in)) return false;
      CountRefused(reading);
      ++reading.counts.scraped;
      return true;
    case LineKind::kType: reading.type = static_cast<MetricType>(line.text_bytes); return true;
    case LineKind::kComment:
    case LineKind::kMetadata: return true;
    case LineKind::kCreated: return ReadCreated(line, in);
    case LineKind::kUnbound: break;
  }
  return false;
}

// Two lines with different texts may be one series; that they agree is no fault.
bool ScrapeCache::ReadColumnSample(Reading& reading, Line& line, const char*& in) {
  const char* next = in;
  ScrapeRow& row = reading.row;
  const bool has = row.Has(line.target);
  if (!has && line.TakeText(next)) {
    if (!EndSample(reading, true, next)) return false;
    row.Keep(line.target);
    in = next;
    return true;
  }
  double value;
  next = ReadValueAndEnd(in, value);
  if (next == nullptr) return false;
  const char* const text_end = next;
  if (!EndSample(reading, true, next)) return false;
  line.text_bytes = 0;
  if (!has) {
    line.Remember(in, text_end);
    row.Set(line.target, value);
  } else if (!SameBits(row.value(line.target), value)) {
    ++reading.counts.duplicates;
  }
  in = next;
  return true;
}

// A sample that goes nowhere still has to be one.
bool ScrapeCache::SkipSample(Reading& reading, Line& line, const char*& in) {
  const char* next = in;
  const bool may_count = line.kind() != LineKind::kDropped;
  if (!line.TakeText(next)) {
    double ignored;
    next = ReadValueAndEnd(in, ignored);
    if (next == nullptr) return false;
    line.Remember(in, next);
  }
  if (!EndSample(reading, may_count, next)) return false;
  reading.has_exemplar = false;
  in = next;
  return true;
}

// No sample, and not counted as one.
bool ScrapeCache::ReadCreated(Line& line, const char*& in) {
  const char* next = in;
  if (!line.TakeText(next)) {
    double seconds;
    next = ReadValueAndEnd(in, seconds);
    if (next == nullptr) return false;
    line.Remember(in, next);
    starts_.Tell(line.target, seconds);
  }
  if (next[-1] != '\n') return false;
  in = next;
  return true;
}

// Reads what follows a value and the byte behind it: nothing, an exemplar, or a timestamp where
// none counts.
bool ScrapeCache::EndSample(Reading& reading, bool may_count, const char*& in) {
  if (in[-1] == '\n') [[likely]]
    return true;
  if (*in == '#') return ReadExemplarEnd(reading, in);
  int64_t timestamp_ms;
  return !(may_count && reading.rules.honor_timestamps) && ReadTimestamp(reading, in, timestamp_ms);
}

// Of OpenMetrics; not of the page's last line, which is read from a copy.
bool ScrapeCache::ReadExemplarEnd(Reading& reading, const char*& in) {
  const std::string_view page = reading.page;
  if (reading.rules.format != PageFormat::kOpenMetricsText) return false;
  if (reading.readable_end != page.data() + page.size()) return false;
  if (!reading.line_ends) reading.line_ends.emplace(page);
  OpenMetricsParser& parser = *reading.line_ends;
  if (!parser.ReadLineEnd(static_cast<size_t>(in - 1 - page.data()))) return false;
  const char* const end = page.data() + parser.position();
  if (parser.has_timestamp() || end - in > kMaxExemplarBytes) return false;
  reading.has_exemplar = true;
  in = end;
  return true;
}

bool ScrapeCache::ReadLoneSample(Reading& reading, const Line& line, const char*& in) {
  double value;
  int64_t timestamp_ms;
  const char* next = ReadValueAndEnd(in, value);
  if (next == nullptr || next[-1] != ' ') return false;
  if (!ReadTimestamp(reading, next, timestamp_ms)) return false;
  in = next;
  ++reading.counts.scraped;
  Keep(reading, line, value, FromMs(timestamp_ms));
  return true;
}

// Milliseconds and the newline. OpenMetrics's seconds take the slow way.
bool ScrapeCache::ReadTimestamp(const Reading& reading, const char*& in, int64_t& timestamp_ms) {
  constexpr ptrdiff_t kMaxDigits = 18;  // more may overflow
  if (reading.rules.format != PageFormat::kPrometheusText) return false;
  // The value may have used up its margin.
  if (reading.readable_end - in <= kMaxDigits + 1) return false;
  uint64_t timestamp = 0;
  const char* stop = value_text_internal::ReadDigits(in, in + kMaxDigits + 1, timestamp);
  if (stop == in || stop - in > kMaxDigits || *stop != '\n') return false;
  timestamp_ms = static_cast<int64_t>(timestamp);
  in = stop + 1;
  return true;
}

// ---- What is not.

Result<size_t> ScrapeCache::ReadSlowly(Reading& reading, size_t at) {
  const size_t newline = reading.page.find('\n', at);
  TRY(CheckLineLength(std::min(newline, reading.page.size()) - at, reading.rules));
  if (reading.parser == nullptr) reading.parser = MakeParser(reading.rules.format, reading.page);
  ExpositionParser& parser = *reading.parser;
  parser.Seek(at, reading.type);
  const Entry entry = TRY(parser.Next());
  const size_t next = std::min(parser.position(), reading.page.size());
  TRY(CheckLineLength(next - std::min(parser.entry_offset(), next), reading.rules));
  reading.type = parser.type();
  switch (entry) {
    case Entry::kEnd: reading.ended = true; break;
    case Entry::kSeries: TRY(ReadSeriesEntry(reading)); break;
    default: ReadComment(reading, entry); break;
  }
  return next;
}

Result<bool> ScrapeCache::IsCreated(const Reading& reading) {
  const ExpositionParser& parser = *reading.parser;
  if (!reading.rules.starts || reading.rules.format != PageFormat::kOpenMetricsText) return false;
  if (!parser.series().contains("_created")) return false;
  return IsCreatedSeries(TRY(parser.labels()), parser.type());
}

Status ScrapeCache::ReadCreatedEntry(Reading& reading, Line line) {
  Line* const known = FindExpected(line.identity, false);
  if (known != nullptr && known->kind() == LineKind::kCreated) {
    known->text_bytes = 0;
    line = *known;
    MatchAt(*known);
  } else {
    Diverge();
    line.set_kind(LineKind::kCreated);
    line.target = GroupOf(reading, TRY(reading.parser->labels()));
    next_.push_back(line);
  }
  starts_.Tell(line.target, reading.parser->value());
  return {};
}

StartGroup ScrapeCache::GroupOf(const Reading& reading, const Labels& exposed) {
  if (!reading.rules.starts || reading.rules.format != PageFormat::kOpenMetricsText) {
    return kNoStartGroup;
  }
  const auto common = CommonLabels(exposed, reading.parser->type());
  return common ? starts_.Find(Hash(common->ToString())) : kNoStartGroup;
}

Status ScrapeCache::ReadSeriesEntry(Reading& reading) {
  const ExpositionParser& parser = *reading.parser;
  const size_t begin = parser.entry_offset();
  const std::string_view identity = reading.page.substr(begin, parser.value_offset() - begin);
  ++reading.counts.slow_lines;
  if (TRY(IsCreated(reading))) {
    Line created;
    created.identity = IdentityOf(identity);
    created.identity_bytes = static_cast<uint32_t>(identity.size()) & 0x7fffff;
    return ReadCreatedEntry(reading, created);
  }
  ++reading.counts.scraped;
  const bool lone = parser.has_timestamp() && reading.rules.honor_timestamps;
  const auto timestamp =
      lone ? std::optional(FromMs(parser.timestamp_ms())) : std::optional<Timestamp>();

  const uint64_t hash = IdentityOf(identity);
  if (Line* known = FindExpected(hash, lone)) {
    known->text_bytes = 0;
    ReadKnownSeries(reading, *known, timestamp);
    return {};
  }
  Line line;
  line.identity = hash;
  line.identity_bytes = static_cast<uint32_t>(identity.size()) & 0x7fffff;
  return ReadNewSeries(reading, line, timestamp);
}

void ScrapeCache::ReadKnownSeries(Reading& reading, Line& line,
                                  std::optional<Timestamp> timestamp) {
  if (line.kind() == LineKind::kDropped) return MatchAt(line);
  if (line.kind() == LineKind::kRefused) {
    CountRefused(reading);
    return MatchAt(line);
  }
  if (line.kind() == LineKind::kSeries && diverged_ && matched_[next_expected_]) {
    ++reading.counts.kept;
    ++reading.counts.duplicates;
    Line repeat = line;
    repeat.set_kind(LineKind::kRepeat);
    return MatchAt(repeat);
  }
  MatchAt(line);
  if (!Keep(reading, line, reading.parser->value(), timestamp)) return;
  KeepExemplar(line, timestamp, ReadExemplar(reading));
}

Status ScrapeCache::ReadNewSeries(Reading& reading, Line line, std::optional<Timestamp> timestamp) {
  const uint64_t key = line.identity ^ (timestamp ? kLoneSalt : 0);
  const bool repeated = fresh_.contains(key);
  // A page may well have many samples of one series, if each has its own timestamp.
  if (repeated && !timestamp) {
    ++reading.counts.kept;
    ++reading.counts.duplicates;
    return {};
  }
  Diverge();
  const Labels exposed = TRY(reading.parser->labels());
  std::optional<Labels> labels = TRY(reading.labels.Make(exposed));
  if (!labels) {
    line.set_kind(LineKind::kDropped);
    next_.push_back(line);
    return {};
  }
  ++reading.counts.kept;
  ++reading.against_limit;
  if (reading.over_limit()) return {};
  if (timestamp && (*timestamp > reading.rules.newest || *timestamp < kMinTimestamp)) {
    ++reading.counts.out_of_bounds;
    return {};
  }
  if (!repeated) {
    line.set_kind(LineKind::kUnbound);
    fresh_[key] = static_cast<uint32_t>(next_.size());
    next_.push_back(line);
    ++reading.counts.added;
  }
  new_series_.push_back({fresh_[key], std::move(*labels), reading.parser->value(), timestamp,
                         ReadExemplar(reading), GroupOf(reading, exposed)});
  return {};
}

std::optional<ExposedExemplar> ScrapeCache::ReadExemplar(const Reading& reading) {
  return reading.rules.exemplars ? reading.parser->exemplar() : std::nullopt;
}

void ScrapeCache::ReadComment(Reading& reading, Entry entry) {
  const ExpositionParser& parser = *reading.parser;
  const size_t begin = parser.entry_offset();
  const size_t end = std::min(parser.position(), reading.page.size());
  const std::string_view identity = reading.page.substr(begin, end - begin);
  Line line;
  line.identity = Hash(identity);
  line.identity_bytes = static_cast<uint32_t>(identity.size()) & 0x7fffff;
  line.set_kind(LineKind::kMetadata);
  switch (entry) {
    case Entry::kHelp: line.target = metadata_.SetHelp(parser.family(), parser.text()); break;
    case Entry::kUnit: line.target = metadata_.SetUnit(parser.family(), parser.text()); break;
    case Entry::kType:
      line.set_kind(LineKind::kType);
      line.text_bytes = static_cast<uint32_t>(parser.type()) & 31;
      line.target = metadata_.SetType(parser.family(), parser.type());
      break;
    default: line.set_kind(LineKind::kComment); break;
  }
  // Where the page ends without a newline, the comment might go on next time.
  if (!identity.ends_with('\n')) return;
  if (Line* known = FindExpected(line.identity, false)) return MatchAt(*known);
  Diverge();
  AddComment(reading, line, end);
}

// What stands together of one family is one line: HELP and TYPE mostly do.
void ScrapeCache::AddComment(Reading& reading, Line line, size_t end) {
  const bool follows = reading.new_comment_line == next_.size() && !next_.empty() &&
                       reading.new_comment_end + line.identity_bytes == end;
  const uint64_t bytes = follows ? line.identity_bytes + next_.back().identity_bytes : 0;
  if (follows && line.TellsFamily() && next_.back().TellsFamily() &&
      line.target == next_.back().target && bytes <= kMaxLineBytes) {
    Line& both = next_.back();
    both.identity_bytes = static_cast<uint32_t>(bytes) & 0x7fffff;
    both.identity = Hash(reading.page.substr(end - bytes, bytes));
    if (line.kind() == LineKind::kType) {
      both.set_kind(LineKind::kType);
      both.text_bytes = line.text_bytes;
    }
  } else {
    next_.push_back(line);
  }
  reading.new_comment_line = next_.size();
  reading.new_comment_end = end;
}

void ScrapeCache::CountRefused(Reading& reading) {
  ++reading.counts.kept;
  ++reading.against_limit;
  ++reading.counts.refused;
}

// A series' sample goes into the row, or stays alone with its timestamp. False where it is refused.
bool ScrapeCache::Keep(Reading& reading, const Line& line, double value,
                       std::optional<Timestamp> timestamp) {
  ++reading.counts.kept;
  ++reading.against_limit;
  if (!timestamp) {
    ScrapeRow& row = reading.row;
    if (row.Set(line.target, value)) return true;
    if (!SameBits(row.value(line.target), value)) ++reading.counts.duplicates;
    return true;
  }
  if (*timestamp > reading.rules.newest || *timestamp < kMinTimestamp) {
    ++reading.counts.out_of_bounds;
    return false;
  }
  lone_series_.Saw(line.target);
  lone_samples_.push_back({line.target, {*timestamp, value}});
  return true;
}

void ScrapeCache::KeepExemplar(const Line& line, std::optional<Timestamp> of_sample,
                               std::optional<ExposedExemplar> exemplar) {
  if (!exemplar) return;
  exemplars_.push_back(
      {line.kind() == LineKind::kLone, line.target, of_sample, *std::move(exemplar)});
}

}  // namespace barograph::server
