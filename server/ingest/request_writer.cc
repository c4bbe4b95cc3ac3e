#include "server/ingest/request_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "server/ingest/wire_histogram.h"

namespace barograph::server {
namespace {

/// Samples that are further ahead of the clock are refused, as in Prometheus: one such sample would
/// make all that follow look old.
constexpr Duration kMaxAhead{std::chrono::minutes(10)};

/// What a histogram takes beside its buckets, which are at least two bytes each where they wait.
constexpr size_t kHistogramCost = 10;

std::string_view ReasonText(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kOutOfOrder: return "out of order sample";
    case RefusalReason::kTooOld: return "too old sample";
    case RefusalReason::kDuplicate: return "duplicate sample for timestamp";
    case RefusalReason::kOutOfBounds: return "out of bounds";
  }
  return "";
}

}  // namespace

WriteMetrics::WriteMetrics(MetricsRegistry& registry)
    : invalid_labels(registry.AddCounter(
          "prometheus_api_remote_write_invalid_labels_samples_total",
          "The total number of received remote write samples and histogram samples which were "
          "rejected due to invalid labels.")),
      without_metadata(registry.AddCounter(
          "prometheus_api_remote_write_without_metadata_appended_samples_total",
          "Samples and histograms of remote write that were stored and came without metadata: all "
          "of protocol 1.0, which tells it apart.")),
      busy(registry.AddCounter(
          "barograph_remote_write_busy_requests_total",
          "Remote write requests that were put off because too many others were waiting.")) {}

void WriteOutcome::Refuse(uint64_t count, std::string reason) {
  refused += count;
  if (reasons.size() == kMaxReasons) return;
  if (reason.size() > kMaxReasonBytes) reason.replace(kMaxReasonBytes, reason.npos, "...");
  reasons.push_back(std::move(reason));
  explained += count;
}

std::string WriteOutcome::Explanation() const {
  if (reasons.empty()) return fmt::format("{} samples are refused", refused);
  std::string text = fmt::format("{}", fmt::join(reasons, "\n"));
  if (refused > explained) text += fmt::format("\nand {} more", refused - explained);
  return text;
}

RequestWriter::RequestWriter(WriteContext context)
    : context_(context),
      max_time_(context.clock.Now() + kMaxAhead),
      floats_{.appender = context.storage.NewAppender()},
      histograms_{.appender = context.storage.NewAppender()} {}

Status RequestWriter::Write(const WriteRequest& request) {
  partial_ = request.protocol() == WriteProtocol::kV2;
  TRY(request.ForEachSeries([&](const WireSeries& series) { return WriteSeries(series); }));
  if (context_.metadata != nullptr) {
    request.ForEachMetadata(
        [&](const WireMetadata& metadata) { context_.metadata->Set(metadata); });
  }
  TRY(Commit(floats_));
  TRY(Commit(histograms_));
  TRY(CommitExemplars());
  outcome_.samples = floats_.written;
  outcome_.histograms = histograms_.written;
  if (refused_by_storage_ > 0) TRY(ExplainRefusals(request));
  return {};
}

Status RequestWriter::WriteSeries(const WireSeries& series) {
  const SeriesId id = TRY(Resolve(series));
  if (id == kNoSeries) return {};
  const auto metadata = series.ReadMetadataRefs();
  bare_ = !metadata;
  if (metadata && context_.metadata != nullptr) NoteMetadata(series, *metadata);
  bool empty = true;
  TRY(series.ForEachSample([&](const WireSample& sample) {
    empty = false;
    return AppendFloat(id, series, sample);
  }));
  TRY(series.ForEachHistogram([&](std::string_view message) {
    empty = false;
    return AppendHistogram(id, series, message);
  }));
  if (context_.exemplars != nullptr) {
    TRY(series.ForEachExemplar(
        [&](std::string_view message) { return AppendExemplar(id, series, message); }));
  }
  if (empty && series.needs_samples()) {
    outcome_.Refuse(1, fmt::format("TimeSeries must contain at least one sample or histogram for "
                                   "series {}",
                                   NameOf(series)));
  }
  return {};
}

Result<SeriesId> RequestWriter::Resolve(const WireSeries& series) {
  const std::optional<SeriesKey> key = series.Key();
  if (key) {
    const SeriesId known = context_.series.Find(*key);
    if (known != kNoSeries) return known;
  }
  const Result<Labels> labels = series.ReadLabels();
  if (!labels) {
    const uint64_t samples = series.CountSamples();
    context_.metrics.invalid_labels.Increment(static_cast<double>(samples));
    outcome_.Refuse(std::max<uint64_t>(samples, 1), labels.error().message);
    return kNoSeries;
  }
  const Result<SeriesId> id = floats_.appender->Resolve(*labels);
  if (id) {
    context_.series.Insert(*key, *id);
    return id;
  }
  if (id.error().code != ErrorCode::kLimitExceeded) return id;
  outcome_.series_limit = true;
  outcome_.Refuse(std::max<uint64_t>(series.CountSamples(), 1),
                  fmt::format("{} for series {}", id.error().message, labels->ToString()));
  return kNoSeries;
}

Status RequestWriter::AppendFloat(SeriesId id, const WireSeries& series, const WireSample& sample) {
  if (IsTooFarAhead(sample.timestamp)) {
    RefuseTooFarAhead(series);
    return {};
  }
  floats_.appender->Append(id, {sample.timestamp, sample.value}, FromMs(sample.start_ms));
  return Added(floats_, 1);
}

Status RequestWriter::AppendHistogram(SeriesId id, const WireSeries& series,
                                      std::string_view message) {
  const Result<WireHistogram> wire = ReadHistogram(message);
  if (!wire) {
    outcome_.Refuse(1, fmt::format("{} for series {}", wire.error().message, NameOf(series)));
    return {};
  }
  if (IsTooFarAhead(wire->timestamp)) {
    RefuseTooFarAhead(series);
    return {};
  }
  histograms_.appender->AppendHistogram(id, wire->timestamp, wire->histogram,
                                        FromMs(wire->start_ms));
  return Added(histograms_, kHistogramCost + message.size() / 2);
}

/// A request most often has the series of a family one after the other.
void RequestWriter::NoteMetadata(const WireSeries& series, const WireSeries::MetadataRefs& refs) {
  if (refs == last_metadata_) return;
  last_metadata_ = refs;
  WireMetadata metadata = series.Resolve(refs);
  metadata.family = FamilyOf(metadata.family, metadata.type);
  context_.metadata->Set(metadata);
}

Status RequestWriter::AppendExemplar(SeriesId id, const WireSeries& series,
                                     std::string_view message) {
  Result<Exemplar> exemplar = series.ReadExemplar(message);
  if (!exemplar) {
    outcome_.Refuse(1, fmt::format("parsing exemplar for series {}: {}", NameOf(series),
                                   exemplar.error().message));
    return {};
  }
  exemplars_.push_back({id, std::move(*exemplar)});
  return exemplars_.size() < kMaxExemplars ? Status() : CommitExemplars();
}

Status RequestWriter::Added(Batch& batch, size_t cost) {
  batch.pending += cost;
  if (bare_) ++batch.pending_bare;
  return batch.pending < kMaxPending ? Status() : Commit(batch);
}

void RequestWriter::RefuseTooFarAhead(const WireSeries& series) {
  outcome_.Refuse(1, fmt::format("out of bounds: timestamp is too far in the future for series {}",
                                 NameOf(series)));
}

/// For a reason: not worked out when no more are told.
std::string RequestWriter::NameOf(const WireSeries& series) const {
  if (outcome_.reasons.size() == WriteOutcome::kMaxReasons) return "";
  const Result<Labels> labels = series.ReadLabels();
  return labels ? labels->ToString() : "";
}

Status RequestWriter::Commit(Batch& batch) {
  if (std::exchange(batch.pending, 0) == 0) return {};
  const Result<AppendReport> report = batch.appender->Commit();
  if (!report) {
    // Storage may have forgotten a series that is remembered here.
    context_.series.Clear();
    return std::unexpected(report.error());
  }
  batch.written += report->appended;
  // Which of a mixed batch were refused is not known: the count is then the most that it can be.
  const uint64_t bare = std::min(std::exchange(batch.pending_bare, 0), uint64_t{report->appended});
  context_.metrics.without_metadata.Increment(static_cast<double>(bare));
  refused_by_storage_ += report->refused();
  for (const Refusal& refusal : report->first) {
    Note({refusal.series, std::string(ReasonText(refusal.reason)),
          fmt::format(" at {}", ToMs(refusal.timestamp))});
  }
  return {};
}

/// One that is out of order fails a request of 2.0 only, as in Prometheus: 1.0 knows no partial
/// write.
Status RequestWriter::CommitExemplars() {
  if (exemplars_.empty()) return {};
  const auto verdicts = context_.exemplars->AppendExemplars(exemplars_);
  if (!verdicts) return std::unexpected(verdicts.error());
  for (size_t i = 0; i < exemplars_.size(); ++i) {
    switch ((*verdicts)[i]) {
      case ExemplarVerdict::kAppended:
      case ExemplarVerdict::kRepeated: ++outcome_.exemplars; break;
      case ExemplarVerdict::kOutOfOrder:
        ++outcome_.late_exemplars;
        if (!partial_) break;
        ++refused_by_storage_;
        Note({exemplars_[i].series, "out of order exemplar", ""});
        break;
      case ExemplarVerdict::kInvalid:
      case ExemplarVerdict::kOff: break;
    }
  }
  exemplars_.clear();
  return {};
}

void RequestWriter::Note(Unnamed refusal) {
  if (refusals_.size() < WriteOutcome::kMaxReasons) refusals_.push_back(std::move(refusal));
}

/// Storage names series by their ids; their labels are looked up in the request once more.
Status RequestWriter::ExplainRefusals(const WriteRequest& request) {
  std::vector<std::string> names(refusals_.size());
  TRY(request.ForEachSeries([&](const WireSeries& series) -> Status {
    const auto key = series.Key();
    if (!key) return {};
    const SeriesId id = context_.series.Find(*key);
    for (size_t i = 0; i < refusals_.size(); ++i) {
      if (refusals_[i].series != id || !names[i].empty()) continue;
      names[i] = NameOf(series);
    }
    return {};
  }));
  for (size_t i = 0; i < refusals_.size(); ++i) {
    outcome_.Refuse(
        1, fmt::format("{} for series {}{}", refusals_[i].reason, names[i], refusals_[i].time));
  }
  outcome_.refused += refused_by_storage_ - refusals_.size();
  return {};
}

}  // namespace barograph::server
