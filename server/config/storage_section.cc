#include "server/config/sections.h"

namespace barograph::server {
namespace {

Status ReadRetention(const YamlNode* node, StorageConfig& storage) {
  if (node == nullptr) return {};
  StrictMap map = TRY(StrictMap::Open(*node, "config.plain"));
  if (const YamlNode* time = map.Take("time")) {
    Duration value{0};
    TRY(ReadYaml(*time, value));
    storage.retention_time = value;
  }
  if (const YamlNode* size = map.Take("size")) {
    uint64_t value = 0;
    TRY(ReadYamlBytes(*size, value));
    storage.retention_bytes = value;
  }
  double& percentage = storage.retention_percentage;
  TRY(map.Read("percentage", percentage));
  if (!(percentage >= 0 && percentage <= 100)) {
    return FailAt(map.PositionOf("percentage"),
                  "'storage.tsdb.retention.percentage' must be in the range [0, 100]");
  }
  return map.Finish();
}

Status ReadTsdb(const YamlNode* node, StorageConfig& storage) {
  if (node == nullptr) return {};
  StrictMap map = TRY(StrictMap::Open(*node, "config.plain"));
  if (const YamlNode* window = map.Take("out_of_order_time_window")) {
    Duration value{0};
    TRY(ReadYaml(*window, value));
    storage.out_of_order_window = value;
  }
  TRY(ReadRetention(map.Take("retention"), storage));
  TRY(map.Unsupported("stale_series_compaction_threshold"));
  TRY(map.Unsupported("chunk_encoding"));
  return map.Finish();
}

Status ReadExemplars(const YamlNode* node, StorageConfig& storage) {
  if (node == nullptr) return {};
  StrictMap map = TRY(StrictMap::Open(*node, "config.ExemplarsConfig"));
  storage.max_exemplars = 0;
  TRY(map.Read("max_exemplars", *storage.max_exemplars));
  return map.Finish();
}

}  // namespace

Result<StorageConfig> ReadStorage(const YamlNode& node) {
  StorageConfig storage;
  StrictMap map = TRY(StrictMap::Open(node, "config.plain"));
  TRY(ReadTsdb(map.Take("tsdb"), storage));
  TRY(ReadExemplars(map.Take("exemplars"), storage));
  TRY(map.Finish());
  return storage;
}

}  // namespace barograph::server
