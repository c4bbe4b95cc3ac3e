#include "server/cli/tsdb/import_prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <utility>

#include "server/cli/tsdb/batch_appender.h"
#include "tsdb/prometheus/block.h"

namespace barograph::server::cli {
namespace {

namespace prometheus = tsdb::prometheus;

constexpr size_t kExemplarsAtOnce = 4096;

// Gives the head's samples and exemplars on to storage.
class HeadImport final : public prometheus::HeadVisitor {
 public:
  HeadImport(BatchAppender& out, ExemplarAppendable& exemplars, PrometheusImport& result)
      : out_(out), exemplars_(exemplars), result_(result) {}

  Status OnSeries(uint64_t series, const Labels& labels) override {
    ids_[series] = TRY(out_.Resolve(labels));
    return {};
  }
  Status OnFloat(uint64_t series, Timestamp timestamp, double value) override {
    return out_.Append(ids_.at(series), {timestamp, value});
  }
  Status OnHistogram(uint64_t series, Timestamp timestamp,
                     const prometheus::StoredHistogram& histogram) override {
    return out_.AppendHistogram(ids_.at(series), timestamp, histogram.histogram);
  }
  Status OnExemplar(uint64_t series, const Exemplar& exemplar) override {
    waiting_.push_back({ids_.at(series), exemplar});
    return waiting_.size() < kExemplarsAtOnce ? Status() : Finish();
  }

  Status Finish() {
    for (const ExemplarVerdict verdict : TRY(exemplars_.AppendExemplars(waiting_))) {
      const bool there =
          verdict == ExemplarVerdict::kAppended || verdict == ExemplarVerdict::kRepeated;
      ++(there ? result_.exemplars : result_.refused_exemplars);
    }
    waiting_.clear();
    return {};
  }

 private:
  BatchAppender& out_;
  ExemplarAppendable& exemplars_;
  PrometheusImport& result_;
  std::vector<SeriesExemplar> waiting_;
  boost::unordered_flat_map<uint64_t, SeriesId> ids_;
};

class Importer {
 public:
  Importer(FileSystem& files, Appendable& storage, ExemplarAppendable& exemplars,
           const std::function<void(std::string_view)>& tell)
      : files_(files), out_(storage), exemplars_(exemplars), tell_(tell) {}

  Result<PrometheusImport> Import(const std::string& directory) {
    const auto lock = TRY(KeepPrometheusOut(directory));
    const prometheus::BlockList list = TRY(prometheus::ListBlocks(files_, directory));
    for (const Error& broken : list.broken) Problem(broken);
    for (const prometheus::FoundBlock& block : list.blocks) TRY(ImportBlock(block.folder));
    TRY(ImportHead(directory));
    TRY(out_.Finish());
    result_.samples = out_.total();
    return std::move(result_);
  }

 private:
  // While it runs, Prometheus has the file `lock`, and takes it away at the end.
  Result<std::unique_ptr<FileLock>> KeepPrometheusOut(const std::string& directory) {
    const std::string path = directory + "/lock";
    if (!files_.Exists(path)) return nullptr;
    auto lock = files_.Lock(path);
    if (lock.has_value()) return std::move(*lock);
    if (lock.error().code != ErrorCode::kUnavailable) return nullptr;  // a read-only disk, say
    return Fail(ErrorCode::kUnavailable,
                directory + " is in use: stop the Prometheus that runs on it first");
  }

  Status ImportBlock(const std::string& folder) {
    const auto block = prometheus::Block::Open(files_, folder);
    if (!block.has_value()) {
      Problem(block.error());
      return {};
    }
    ++result_.blocks;
    imported_until_ = std::max(imported_until_, (*block)->meta().max_time);
    tell_(fmt::format("block {}: {} series", folder, (*block)->series_count()));
    prometheus::BlockSeries series;
    for (size_t i = 0; i < (*block)->series_count(); ++i) {
      const Status read = (*block)->Read(i, series);
      if (!read.has_value()) Problem(read.error());
      TRY(AppendSeries(series));
    }
    return {};
  }

  Status AppendSeries(const prometheus::BlockSeries& series) {
    const prometheus::SampleColumns& samples = series.samples;
    if (samples.empty()) return {};
    const SeriesId id = TRY(out_.Resolve(series.labels));
    for (size_t i = 0; i < samples.size(); ++i) {
      const Timestamp time = samples.timestamps()[i];
      const prometheus::StoredHistogram* histogram = samples.histogram(i);
      TRY(histogram == nullptr ? out_.Append(id, {time, samples.values()[i]})
                               : out_.AppendHistogram(id, time, histogram->histogram));
    }
    return {};
  }

  // The log goes back into the time of the blocks; of a block that could not be read, it is all
  // there is.
  Status ImportHead(const std::string& directory) {
    HeadImport visitor(out_, exemplars_, result_);
    result_.head = TRY(prometheus::ReadHead(files_, directory, imported_until_, visitor));
    TRY(visitor.Finish());
    for (const Error& problem : result_.head.problems) Problem(problem);
    tell_(fmt::format("head: {} series, {} samples, {} exemplars", result_.head.series,
                      result_.head.floats + result_.head.histograms, result_.head.exemplars));
    return {};
  }

  void Problem(const Error& error) {
    ++result_.problems;
    tell_("cannot read: " + error.message);
  }

  FileSystem& files_;
  BatchAppender out_;
  ExemplarAppendable& exemplars_;
  const std::function<void(std::string_view)>& tell_;
  Timestamp imported_until_ = kMinTimestamp;
  PrometheusImport result_;
};

}  // namespace

Result<PrometheusImport> ImportPrometheus(FileSystem& files, const std::string& directory,
                                          Appendable& storage, ExemplarAppendable& exemplars,
                                          const std::function<void(std::string_view)>& tell) {
  return Importer(files, storage, exemplars, tell).Import(directory);
}

}  // namespace barograph::server::cli
