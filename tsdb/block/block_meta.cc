#include "tsdb/block/block_meta.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>
#include <utility>

namespace barograph::tsdb {
namespace {

constexpr int64_t kVersion = 2;

std::string Quoted(const std::vector<Ulid>& ulids) {
  std::string list;
  for (const Ulid& ulid : ulids) {
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", ulid.ToString());
  }
  return list;
}

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("meta.json: {}", what));
}

/// Takes fields out of a JSON object, and remembers the first that is missing or of a wrong type.
class Fields {
 public:
  explicit Fields(const boost::json::object& object, const char** wrong)
      : object_(object), wrong_(wrong) {}

  int64_t Integer(const char* name) {
    const boost::json::value* value = object_.if_contains(name);
    if (value != nullptr && value->is_int64()) return value->get_int64();
    return Wrong(name), 0;
  }
  uint64_t Count(const char* name) {
    const int64_t count = Integer(name);
    if (count < 0) Wrong(name);
    return static_cast<uint64_t>(count);
  }
  Timestamp Time(const char* name) { return FromMs(Integer(name)); }
  Ulid Name(const char* name) { return ParseName(object_.if_contains(name), name); }
  std::vector<Ulid> Names(const char* name) {
    std::vector<Ulid> names;
    const boost::json::value* value = object_.if_contains(name);
    if (value == nullptr || !value->is_array()) return Wrong(name), names;
    for (const auto& item : value->get_array()) names.push_back(ParseName(&item, name));
    return names;
  }
  Fields Object(const char* name) {
    static const boost::json::object kEmpty;
    const boost::json::value* value = object_.if_contains(name);
    if (value != nullptr && value->is_object()) return Fields(value->get_object(), wrong_);
    Wrong(name);
    return Fields(kEmpty, wrong_);
  }

 private:
  Ulid ParseName(const boost::json::value* value, const char* name) {
    std::optional<Ulid> ulid;
    if (value != nullptr && value->is_string()) ulid = Ulid::Parse(value->get_string());
    if (!ulid.has_value()) Wrong(name);
    return ulid.value_or(Ulid());
  }
  void Wrong(const char* name) {
    if (*wrong_ == nullptr) *wrong_ = name;
  }

  const boost::json::object& object_;
  const char** wrong_;
};

BlockMeta ReadFields(Fields top) {
  BlockMeta meta;
  meta.origin.ulid = top.Name("ulid");
  meta.range = {top.Time("minTime"), top.Time("maxTime")};
  Fields window = top.Object("window");
  meta.origin.window = {window.Time("minTime"), window.Time("maxTime")};
  Fields stats = top.Object("stats");
  meta.stats.series = stats.Count("numSeries");
  meta.stats.samples = stats.Count("numSamples");
  meta.stats.float_samples = stats.Count("numFloatSamples");
  meta.stats.histogram_samples = stats.Count("numHistogramSamples");
  meta.stats.bytes = stats.Count("numBytes");
  Fields compaction = top.Object("compaction");
  meta.origin.level = static_cast<uint32_t>(compaction.Count("level"));
  meta.origin.sources = compaction.Names("sources");
  meta.origin.parents = compaction.Names("parents");
  return meta;
}

}  // namespace

std::string ToJson(const BlockMeta& meta) {
  const BlockOrigin& origin = meta.origin;
  const BlockStats& stats = meta.stats;
  return fmt::format(R"({{
  "version": {},
  "ulid": "{}",
  "minTime": {},
  "maxTime": {},
  "window": {{"minTime": {}, "maxTime": {}}},
  "stats": {{
    "numSeries": {},
    "numSamples": {},
    "numFloatSamples": {},
    "numHistogramSamples": {},
    "numBytes": {}
  }},
  "compaction": {{"level": {}, "sources": [{}], "parents": [{}]}}
}}
)",
                     kVersion, origin.ulid.ToString(), ToMs(meta.range.min), ToMs(meta.range.max),
                     ToMs(origin.window.min), ToMs(origin.window.max), stats.series, stats.samples,
                     stats.float_samples, stats.histogram_samples, stats.bytes, origin.level,
                     Quoted(origin.sources), Quoted(origin.parents));
}

Result<BlockMeta> ParseBlockMeta(std::string_view json) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(json, error);
  if (error || !value.is_object()) return Malformed("no JSON object");
  const char* wrong = nullptr;
  Fields top(value.get_object(), &wrong);
  if (const int64_t version = top.Integer("version"); version != kVersion && wrong == nullptr) {
    return Malformed(fmt::format("version {} is not known here", version));
  }
  BlockMeta meta = ReadFields(top);
  if (wrong != nullptr) return Malformed(fmt::format("{} is missing or malformed", wrong));
  return meta;
}

}  // namespace barograph::tsdb
