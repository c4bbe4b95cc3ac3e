#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/scrape/metadata_store.h"

namespace barograph::server {
namespace {

struct Bench {
  static void Tell(MetadataStore& store) {
    store.SetHelp("a", "Help of a.");
    store.SetType("a", MetricType::kCounter);
    store.SetType("b", MetricType::kGauge);
  }
  static std::string List(const MetadataStore& store) {
    std::vector<web::MetricMetadata> all;
    store.List(Labels(), all);
    std::string out;
    for (const auto& entry : all) out += entry.metric + " " + entry.type + " " + entry.help + "; ";
    return out;
  }

  const std::shared_ptr<MetadataPool> pool = std::make_shared<MetadataPool>();
};

}  // namespace

TEST_CASE_METHOD(Bench, "what many targets tell is there once, and counts as often as it is told") {
  std::vector<std::unique_ptr<MetadataStore>> stores;
  for (int i = 0; i < 3; ++i) {
    stores.push_back(std::make_unique<MetadataStore>(pool));
    Tell(*stores.back());
  }
  CHECK(pool->size() == 2);
  CHECK(pool->families == 6);
  CHECK(pool->bytes == 30);
  stores.resize(1);
  CHECK(List(*stores[0]) == "a counter Help of a.; b gauge ; ");
  CHECK(pool->size() == 2);
  CHECK(pool->families == 2);
  stores.clear();
  CHECK(pool->size() == 0);
  CHECK(pool->bytes == 0);
}

TEST_CASE_METHOD(Bench, "a target that tells otherwise changes nothing for the others") {
  MetadataStore one(pool);
  std::optional<MetadataStore> other(pool);
  Tell(one);
  Tell(*other);
  const auto id = other->SetHelp("a", "Other.");
  CHECK(other->SetType("a", MetricType::kSummary) == id);
  CHECK(List(one) == "a counter Help of a.; b gauge ; ");
  CHECK(List(*other) == "a summary Other.; b gauge ; ");
  CHECK(pool->size() == 3);
  CHECK(pool->bytes == 16);
  other.reset();
  CHECK(pool->size() == 2);
}

TEST_CASE_METHOD(Bench, "a family that left the page is let go after ten scrapes") {
  MetadataStore store(pool);
  Tell(store);
  const auto kept = store.SetType("a", MetricType::kCounter);
  store.Keep({kept});
  for (int i = 0; i < 10; ++i) store.ScrapeDone();
  CHECK(pool->size() == 2);
  store.ScrapeDone();
  CHECK(pool->size() == 1);
  CHECK(pool->families == 1);
  // A new one takes the number that is free.
  store.SetType("c", MetricType::kGauge);
  store.SetHelp("a", "");
  CHECK(List(store) == "a counter ; c gauge ; ");
  CHECK(pool->bytes == 0);
}

}  // namespace barograph::server
