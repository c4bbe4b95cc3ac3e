#include "tsdb/block/block_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "tsdb/block/block_data.h"
#include "tsdb/block/block_reader.h"
#include "tsdb/block/extent.h"
#include "tsdb/block/label_reader.h"
#include "tsdb/start_stream.h"

namespace barograph::tsdb {
namespace {

constexpr TimeRange kAllTime = {FromMs(std::numeric_limits<int64_t>::min()),
                                FromMs(std::numeric_limits<int64_t>::max())};

std::unexpected<Error> Stopped() {
  return Fail(ErrorCode::kCancelled, "the verification was stopped");
}

const char* NameOf(ExtentKind kind) {
  switch (kind) {
    case ExtentKind::kColumns: return "columns";
    case ExtentKind::kSamples: return "series";
    case ExtentKind::kLabelSets: return "sets of labels";
    case ExtentKind::kLabels: return "series' labels";
  }
  return "";
}

class Verifier {
 public:
  Verifier(const std::shared_ptr<const Block>& block, std::stop_token stop, CheckLabels check)
      : block_(*block),
        data_(block->data()),
        reader_(block),
        labels_(block),
        stop_(std::move(stop)),
        check_(std::move(check)) {}

  Result<BlockReport> Run() {
    TRY(CheckExtents());
    TRY(ReadSeries());
    for (auto& [what, damage] : damage_) {
      std::ranges::sort(damage.series);
      report_.damage.push_back(std::move(damage));
    }
    std::ranges::sort(report_.damage, {}, &BlockDamage::offset);
    return std::move(report_);
  }

 private:
  Status CheckExtents() {
    Inflater inflater;
    std::string inflated;
    for (size_t i = 0; i < data_.directory().extents().size(); ++i) {
      if (stop_.stop_requested()) return Stopped();
      const auto bytes = data_.Load(i, inflater, inflated);
      ++report_.extents;
      if (!bytes.has_value()) Report(i, bytes.error().message);
    }
    return {};
  }

  Status ReadSeries() {
    const Result<std::vector<SeriesId>> ids = block_.IdsByPosition();
    if (!ids.has_value()) {
      BlockDamage damage;
      damage.offset = data_.footer().directory_offset;
      damage.length = data_.directory().bytes();
      damage.what = ids.error().message;
      report_.damage.push_back(std::move(damage));
      return {};
    }
    for (size_t position = 0; position < ids->size(); ++position) {
      if (stop_.stop_requested()) return Stopped();
      const SeriesId id = (*ids)[position];
      const SeriesId series = SeriesOfStream(id);
      const Result<SeriesSamples> samples = reader_.Read(id, kAllTime);
      const std::string wrong = WrongLabels(position, series);
      if (!samples.has_value()) {
        Report(ExtentOf(ExtentKind::kSamples, position), samples.error().message)
            .series.push_back(series);
      } else if (!wrong.empty()) {
        Report(ExtentOf(ExtentKind::kLabels, position), wrong).series.push_back(series);
      } else if (!IsStartStream(id)) {
        ++report_.series;
        report_.samples += samples->size();
      }
    }
    return {};
  }

  size_t ExtentOf(ExtentKind kind, uint64_t position) const {
    return data_.directory().ExtentOf(kind, position).value_or(0);
  }

  std::string WrongLabels(uint64_t position, SeriesId id) {
    const Result<Labels> labels = labels_.At(position);
    if (!labels.has_value()) return labels.error().message;
    return check_ ? check_(id, *labels) : std::string();
  }

  /// What a damaged extent of timestamps does to a series comes with the message that the extent
  /// itself was reported with, and is put down to it.
  BlockDamage& Report(size_t extent, const std::string& what) {
    const auto [found, added] = damage_.try_emplace(what);
    if (added) {
      const ExtentEntry& entry = data_.directory().extents()[extent];
      found->second.offset = entry.offset;
      found->second.length = entry.stored_bytes;
      found->second.what = what;
    }
    return found->second;
  }

  const Block& block_;
  const BlockData& data_;
  BlockReader reader_;
  LabelReader labels_;
  const std::stop_token stop_;
  const CheckLabels check_;
  BlockReport report_;
  std::map<std::string, BlockDamage> damage_;  // by what happened
};

}  // namespace

Result<BlockReport> VerifyBlock(const std::shared_ptr<const Block>& block, std::stop_token stop,
                                CheckLabels check) {
  return Verifier(block, std::move(stop), std::move(check)).Run();
}

BlockAnatomy DescribeBlock(const Block& block) {
  const BlockDirectory& directory = block.data().directory();
  BlockAnatomy anatomy;
  anatomy.extents = directory.extents().size();
  anatomy.columns = directory.columns();
  anatomy.directory_bytes = directory.bytes();
  for (const ExtentEntry& entry : directory.extents()) {
    anatomy.compressed_extents += entry.compressed ? 1 : 0;
    switch (entry.kind) {
      case ExtentKind::kColumns: anatomy.column_bytes += entry.stored_bytes; break;
      case ExtentKind::kSamples: anatomy.sample_bytes += entry.stored_bytes; break;
      case ExtentKind::kLabelSets:
      case ExtentKind::kLabels: anatomy.label_bytes += entry.stored_bytes; break;
    }
    anatomy.inflated_bytes += entry.bytes;
  }
  return anatomy;
}

std::string DumpBlock(const Block& block) {
  std::string text;
  for (const ExtentEntry& entry : block.data().directory().extents()) {
    text += fmt::format("{:>12} {:>9} bytes  {:>7} {} from {}", entry.offset, entry.stored_bytes,
                        entry.count, NameOf(entry.kind), entry.first);
    if (entry.compressed) text += fmt::format(", inflated {}", entry.bytes);
    text += '\n';
  }
  return text;
}

}  // namespace barograph::tsdb
