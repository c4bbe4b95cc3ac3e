#include "tsdb/prometheus/block_meta.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "tsdb/prometheus/file_format.h"

namespace barograph::tsdb::prometheus {
namespace {

namespace json = boost::json;

// A member that is an integer; nullopt when it is not there or is something else.
std::optional<int64_t> Integer(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  if (member == nullptr || !member->is_int64()) return std::nullopt;
  return member->get_int64();
}

uint64_t Count(const json::object& object, std::string_view name) {
  return static_cast<uint64_t>(std::max<int64_t>(Integer(object, name).value_or(0), 0));
}

const json::object* Object(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member == nullptr ? nullptr : member->if_object();
}

std::optional<Ulid> ReadUlid(const json::object& object) {
  const json::value* member = object.if_contains("ulid");
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return Ulid::Parse(member->get_string());
}

// The ULIDs of a list of texts, or of a list of objects that have one.
std::vector<Ulid> ReadUlids(const json::object& object, std::string_view name) {
  std::vector<Ulid> ulids;
  const json::value* member = object.if_contains(name);
  if (member == nullptr || !member->is_array()) return ulids;
  for (const json::value& item : member->get_array()) {
    std::optional<Ulid> ulid;
    if (item.is_string()) ulid = Ulid::Parse(item.get_string());
    if (item.is_object()) ulid = ReadUlid(item.get_object());
    if (ulid) ulids.push_back(*ulid);
  }
  return ulids;
}

BlockStats ReadStats(const json::object& object) {
  BlockStats stats;
  stats.samples = Count(object, "numSamples");
  stats.float_samples = Count(object, "numFloatSamples");
  stats.histogram_samples = Count(object, "numHistogramSamples");
  stats.series = Count(object, "numSeries");
  stats.chunks = Count(object, "numChunks");
  return stats;
}

}  // namespace

Result<BlockMeta> ParseBlockMeta(std::string_view text, std::string_view path) {
  json::error_code error;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return Corrupt(path, 0, "no JSON: " + error.message());
  const json::object* object = parsed.if_object();
  if (object == nullptr) return Corrupt(path, 0, "no JSON object");
  const auto version = Integer(*object, "version");
  if (version != 1) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: block version {} is not supported, only 1", path, version.value_or(0)));
  }
  const auto ulid = ReadUlid(*object);
  const auto min_time = Integer(*object, "minTime");
  const auto max_time = Integer(*object, "maxTime");
  if (!ulid || !min_time || !max_time) return Corrupt(path, 0, "no ulid, minTime or maxTime");
  BlockMeta meta;
  meta.ulid = *ulid;
  meta.min_time = FromMs(*min_time);
  meta.max_time = FromMs(*max_time);
  if (const json::object* stats = Object(*object, "stats")) meta.stats = ReadStats(*stats);
  if (const json::object* compaction = Object(*object, "compaction")) {
    meta.level = static_cast<int>(Integer(*compaction, "level").value_or(1));
    meta.sources = ReadUlids(*compaction, "sources");
    meta.parents = ReadUlids(*compaction, "parents");
  }
  return meta;
}

std::string PrintBlockMeta(const BlockMeta& meta) {
  std::string sources;
  for (const Ulid& source : meta.sources) {
    sources += fmt::format("{}\"{}\"", sources.empty() ? "" : ", ", source.ToString());
  }
  return fmt::format(
      "{{\n"
      "\t\"ulid\": \"{}\",\n"
      "\t\"minTime\": {},\n"
      "\t\"maxTime\": {},\n"
      "\t\"stats\": {{\n"
      "\t\t\"numSamples\": {},\n"
      "\t\t\"numFloatSamples\": {},\n"
      "\t\t\"numHistogramSamples\": {},\n"
      "\t\t\"numSeries\": {},\n"
      "\t\t\"numChunks\": {}\n"
      "\t}},\n"
      "\t\"compaction\": {{\n"
      "\t\t\"level\": {},\n"
      "\t\t\"sources\": [{}]\n"
      "\t}},\n"
      "\t\"version\": 1\n"
      "}}\n",
      meta.ulid.ToString(), ToMs(meta.min_time), ToMs(meta.max_time), meta.stats.samples,
      meta.stats.float_samples, meta.stats.histogram_samples, meta.stats.series, meta.stats.chunks,
      meta.level, sources);
}

}  // namespace barograph::tsdb::prometheus
