#include "tsdb/block/label_reader.h"

#include <optional>
#include <utility>

#include "tsdb/block/block_data.h"
#include "tsdb/block/label_extent.h"

namespace barograph::tsdb {
namespace {

// The series of one metric after the other have the same sets, from the first to the last.
constexpr size_t kCachedSetExtents = 16;
constexpr size_t kCachedSeriesExtents = 2;

}  // namespace

class LabelReader::Impl {
 public:
  explicit Impl(std::shared_ptr<const Block> block)
      : block_(std::move(block)),
        data_(block_->data()),
        series_(data_, kCachedSeriesExtents),
        sets_(data_, kCachedSetExtents) {}

  Result<Labels> At(uint64_t position) {
    const BlockDirectory& directory = data_.directory();
    const std::optional<size_t> extent = directory.ExtentOf(ExtentKind::kLabels, position);
    if (!extent.has_value()) {
      return BlockCorruption(data_.path(), data_.footer().directory_offset,
                             "a series' position is outside the block");
    }
    const SeriesLabelsExtent* const series = TRY(series_.Get(*extent, inflater_));
    const size_t index = position - directory.extents()[*extent].first;
    const std::optional<size_t> of_set =
        directory.ExtentOf(ExtentKind::kLabelSets, series->set(index));
    if (!of_set.has_value())
      return data_.Damaged(*extent, "a series has labels that are not there");
    const LabelSetExtent* const sets = TRY(sets_.Get(*of_set, inflater_));
    const size_t set = series->set(index) - directory.extents()[*of_set].first;
    std::optional<Labels> labels = JoinLabels(series->metric(index), sets->At(set));
    if (!labels.has_value()) return data_.Damaged(*of_set, "malformed labels");
    return std::move(*labels);
  }

 private:
  const std::shared_ptr<const Block> block_;
  const BlockData& data_;
  Inflater inflater_;
  RecentExtents<SeriesLabelsExtent> series_;
  RecentExtents<LabelSetExtent> sets_;
};

LabelReader::LabelReader(std::shared_ptr<const Block> block)
    : impl_(std::make_unique<Impl>(std::move(block))) {}
LabelReader::~LabelReader() = default;
LabelReader::LabelReader(LabelReader&&) noexcept = default;
LabelReader& LabelReader::operator=(LabelReader&&) noexcept = default;

Result<Labels> LabelReader::At(uint64_t position) { return impl_->At(position); }

}  // namespace barograph::tsdb
