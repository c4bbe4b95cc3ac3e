#include "server/cli/tsdb/block_list.h"

#include <fmt/format.h>

#include <chrono>

#include "base/model/duration.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_files.h"

namespace barograph::server::cli {
namespace {

constexpr std::string_view kLine = "{:<26}  {:<24}  {:<24}  {:<16}  {:>5}  {:>10}  {:>12}  {}\n";

std::string FormatTime(Timestamp time, bool human_readable) {
  if (!human_readable) return std::to_string(ToMs(time));
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time) - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace

Result<std::vector<tsdb::BlockMeta>> ReadBlockList(FileSystem& files, const std::string& path) {
  std::vector<tsdb::BlockMeta> metas;
  const std::string directory = path + "/blocks";
  if (!files.Exists(directory)) return metas;
  for (const tsdb::Ulid& ulid : TRY(tsdb::ListBlocks(files, directory))) {
    const auto block = TRY(tsdb::Block::Open(files, tsdb::BlockPath(directory, ulid)));
    metas.push_back(block->meta());
  }
  return metas;
}

std::string FormatBlockList(std::span<const tsdb::BlockMeta> blocks, bool human_readable) {
  std::string text = fmt::format(kLine, "BLOCK ULID", "MIN TIME", "MAX TIME", "DURATION", "LEVEL",
                                 "SERIES", "SAMPLES", "SIZE");
  for (const tsdb::BlockMeta& block : blocks) {
    const auto& [min, max] = block.range;
    text += fmt::format(
        kLine, block.ulid().ToString(), FormatTime(min, human_readable),
        FormatTime(max, human_readable), FormatGoDuration(max - min), block.origin.level,
        block.stats.series, block.stats.samples,
        human_readable ? FormatBytes(block.stats.bytes) : std::to_string(block.stats.bytes));
  }
  return text;
}

}  // namespace barograph::server::cli
