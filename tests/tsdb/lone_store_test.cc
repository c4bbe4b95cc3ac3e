#include "tsdb/head/lone_store.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <thread>

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/memory_sink.h"
#include "tests/tsdb/histograms.h"

namespace barograph::test {
namespace {

using tsdb::LonePoint;
using tsdb::LoneStore;
using tsdb::LoneVerdict;
using tsdb::SampleColumns;

/// A sample that owns what it has.
struct Value {
  double number = 0;
  std::optional<FloatHistogram> histogram = std::nullopt;

  LonePoint at(int64_t ms) const { return {FromMs(ms), number, histogram ? &*histogram : nullptr}; }
  bool operator==(const Value& other) const {
    return SameBits(number, other.number) && histogram == other.histogram;
  }
};
using Series = std::map<int64_t, Value>;
using Truth = std::map<uint64_t, Series>;

Value RandomValue(std::mt19937_64& random) {
  switch (random() % 12) {
    case 0: return {kStaleNan};
    case 1: return {static_cast<double>(random()) / 3};
    case 2: return {-0.0};
    case 3: return {static_cast<double>(random() % 1000) / 100};
    case 4:
    case 5: return {0, RandomHistogram(random, random() % 4)};
    default: return {static_cast<double>(random() % 100)};
  }
}

Series ToMap(const SampleColumns& columns) {
  Series series;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) REQUIRE(columns.timestamps[i - 1] < columns.timestamps[i]);
    const FloatHistogram* histogram = columns.HistogramAt(i);
    Value& value = series[ToMs(columns.timestamps[i])];
    value.number = histogram == nullptr ? columns.values[i] : 0;
    if (histogram == nullptr) continue;
    value.histogram = *histogram;
    // Those that a piece has first in a range may be known not to be resets.
    if (histogram->counter_reset_hint == CounterResetHint::kNotReset) {
      value.histogram->counter_reset_hint = CounterResetHint::kUnknown;
    }
  }
  return series;
}

/// A store in a folder, with small files and batches, that can be opened again.
class Folder {
 public:
  explicit Folder(FileSystem& files) : files_(files) { Reopen(); }

  Status TryReopen() {
    store.reset();
    auto opened = std::make_unique<LoneStore>();
    TRY(opened->Open(files_, MemorySink::MakeLogger(sink),
                     {.directory = "/head", .file_bytes = 5000, .batch_bytes = 3200}));
    store = std::move(opened);
    return {};
  }
  void Reopen() { REQUIRE(TryReopen()); }

  Series Read(uint64_t id, TimeRange range = {}, uint64_t min_generation = 0) const {
    SampleColumns columns;
    REQUIRE(store->Read(SeriesId{id}, range, min_generation, columns));
    return ToMap(columns);
  }
  Series ReadFrozen(uint64_t id, uint64_t generation) const {
    Series series = Read(id, {}, generation);
    for (const auto& [ms, value] : Read(id, {}, generation + 1)) series.erase(ms);
    return series;
  }
  bool Append(uint64_t id, int64_t ms, const Value& value) const {
    return store->Append(SeriesId{id}, value.at(ms)).sample;
  }

  std::unique_ptr<LoneStore> store;
  std::shared_ptr<MemorySink> sink = std::make_shared<MemorySink>();

 private:
  FileSystem& files_;
};

TEST_CASE("A tail gives back the floats that it took, to the bit") {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    tsdb::LoneTail tail;
    std::vector<Timestamp> times;
    std::vector<double> values;
    int64_t ms = static_cast<int64_t>(random()) >> (2 + random() % 40);
    while (!tail.full()) {
      ms += random() % 3 == 0 ? 1 + static_cast<int64_t>(random() >> (4 + random() % 50)) : 15'000;
      if (FromMs(ms) > kMaxTimestamp) break;
      times.push_back(FromMs(ms));
      values.push_back(RandomValue(random).number);
      tail.Append({times.back(), values.back()});
      REQUIRE(tail.oldest() == times.front());
    }
    SampleColumns columns;
    tail.Decode(columns);
    INFO("seed " << seed);
    REQUIRE(columns.timestamps == times);
    REQUIRE(std::ranges::equal(columns.values, values, SameBits));
  }
}

// What the store says of random stretches of a series is what the map says.
void CheckRanges(const Folder& folder, uint64_t id, const Series& truth, std::mt19937_64& random) {
  const int64_t first = truth.begin()->first, last = truth.rbegin()->first;
  for (int i = 0; i < 300; ++i) {
    const auto span = static_cast<uint64_t>(last - first + 200);
    const int64_t min = first - 100 + static_cast<int64_t>(random() % span);
    const int64_t max = min + static_cast<int64_t>(random() % (i % 2 == 0 ? 200 : span));
    const TimeRange range{FromMs(min), FromMs(max)};
    const Series expected(truth.lower_bound(min), truth.upper_bound(max));
    INFO("from " << min << " to " << max);
    REQUIRE(folder.Read(id, range) == expected);
    if (!expected.empty()) REQUIRE(folder.store->Overlaps(SeriesId{id}, range));
  }
}

TEST_CASE("Any stretch of a series of many runs is found, in order or with late samples between") {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    std::mt19937_64 random(seed);
    MemoryFileSystem files;
    Folder folder(files);
    Series truth;
    int64_t ms = 10'000;
    const auto add = [&](int64_t at) {
      const Value value{static_cast<double>(random() % 100)};
      if (folder.Append(1, at, value)) truth[at] = value;
    };
    for (int i = 0; i < 1500; ++i) add(ms += random() % 200 == 0 ? 3000 : 5);
    INFO("seed " << seed);
    CheckRanges(folder, 1, truth, random);
    REQUIRE_FALSE(folder.store->Overlaps(SeriesId{1}, {FromMs(0), FromMs(9'999)}));
    for (int i = 0; i < 300; ++i) add(10'001 + static_cast<int64_t>(random() % 5000));
    CheckRanges(folder, 1, truth, random);
    const uint64_t frozen = folder.store->Freeze(FromMs(ms / 2));
    CheckRanges(folder, 1, truth, random);
    REQUIRE(folder.store->SettleFrozen());
    REQUIRE(folder.store->DropThrough(frozen));
    truth.erase(truth.begin(), truth.lower_bound(ms / 2));
    CheckRanges(folder, 1, truth, random);
    REQUIRE(folder.store->SealAll({}));
    folder.Reopen();
    CheckRanges(folder, 1, truth, random);
  }
}

TEST_CASE("A sample that is there is not stored again, and another one at its time is refused") {
  MemoryFileSystem files;
  const Folder folder(files);
  const Value one{1}, two{2}, histogram{0, MakeHistogram(0, {1, 2})};
  const auto check = [&](int64_t ms, const Value& value) {
    return folder.store->Check(SeriesId{1}, value.at(ms));
  };
  CHECK(check(10, one) == LoneVerdict::kInOrder);
  CHECK(folder.store->Append(SeriesId{1}, one.at(10)).first);
  CHECK_FALSE(folder.store->Append(SeriesId{1}, one.at(20)).first);
  CHECK(check(20, one) == LoneVerdict::kRepeated);
  CHECK(check(20, two) == LoneVerdict::kDuplicate);
  CHECK(check(20, histogram) == LoneVerdict::kDuplicate);
  CHECK(check(15, two) == LoneVerdict::kLate);
  CHECK(folder.Append(1, 15, histogram));
  CHECK(check(15, histogram) == LoneVerdict::kRepeated);
  CHECK(check(15, {0, MakeHistogram(0, {1, 3})}) == LoneVerdict::kDuplicate);
  CHECK(check(15, {0}) == LoneVerdict::kDuplicate);
  CHECK_FALSE(folder.Append(1, 10, two));
  CHECK_FALSE(folder.Append(1, 10, one));
  REQUIRE(folder.store->SealAll({}));
  CHECK(check(15, histogram) == LoneVerdict::kRepeated);
  CHECK(check(10, two) == LoneVerdict::kDuplicate);
  CHECK(check(21, two) == LoneVerdict::kInOrder);
  CHECK(folder.Read(1) == Series{{10, one}, {15, histogram}, {20, one}});
}

TEST_CASE("A file of lone samples has its documented bytes") {
  MemoryFileSystem files;
  const Folder folder(files);
  for (const int64_t second : {1, 2, 3}) {
    folder.Append(7, second * 1000, {static_cast<double>(1 << (second - 1))});
  }
  REQUIRE(folder.store->SealAll({2, 300}));
  std::string hex;
  for (const char byte : files.ReadFile("/head/lone-00000001")->substr(8)) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(byte) >> 4];
    hex += kDigits[byte & 15];
  }
  CHECK(hex ==
        "b552c1091400000003fd57ae5207d00fd00f060c06e807d00f00000b02010202"
        "b55225d4040000008736524f5002ac02");
}

/// Does random things to a store, and the same to maps.
class Oracle {
 public:
  Oracle(uint32_t seed, MemoryFileSystem& memory, FileSystem& files)
      : random_(seed), memory_(memory), folder_(files) {}

  void Step() {
    const uint64_t draw = random_() % 1000;
    if (draw < 940) return AppendSome();
    if (draw < 970) return CompareSome();
    if (draw < 980) return Freeze();
    if (draw < 985) return Drop();
    if (draw < 992) return SealAll();
    Restart(draw % 2 == 0);
  }

  void CompareAll() {
    for (uint64_t id = 1; id <= kSeries; ++id) Compare(id, {}, lowest_);
  }
  Folder& folder() { return folder_; }

 private:
  struct Frozen {
    Truth samples;
  };
  static constexpr uint64_t kSeries = 6;

  // What is not durable is appended again after a crash, as the log would.
  struct Logged {
    uint64_t id;
    int64_t ms;
    Value value;
  };

  void AppendSome() {
    const uint64_t id = 1 + random_() % kSeries;
    const int64_t back = random_() % 4 == 0 ? static_cast<int64_t>(random_() % 3000) : 0;
    for (uint64_t i = random_() % 4; i > 0; --i) {
      now_ += static_cast<int64_t>(random_() % 3);
      Append({id, now_ - back, RandomValue(random_)});
    }
  }

  void Append(const Logged& sample) {
    const auto& [id, ms, value] = sample;
    bool is_new = !live_[id].contains(ms);
    for (auto& [generation, frozen] : frozen_) is_new = is_new && !frozen[id].contains(ms);
    REQUIRE(folder_.Append(id, ms, value) == is_new);
    if (!is_new) return;
    live_[id][ms] = value;
    log_.push_back(sample);
  }

  void CompareSome() {
    const int64_t a = now_ - static_cast<int64_t>(random_() % 3000);
    const TimeRange range = {FromMs(a), FromMs(a + static_cast<int64_t>(random_() % 1000))};
    const uint64_t lowest = lowest_ + random_() % (next_ - lowest_ + 1);
    Compare(1 + random_() % kSeries, range, lowest);
    if (frozen_.empty()) return;
    const auto& [generation, samples] = *frozen_.begin();
    for (const auto& [id, series] : samples) {
      REQUIRE(folder_.ReadFrozen(id, generation) == series);
    }
  }

  void Compare(uint64_t id, TimeRange range, uint64_t lowest) {
    Series expected;
    const auto add = [&](const Series& series) {
      for (const auto& [ms, value] : series) {
        if (range.Contains(FromMs(ms))) expected[ms] = value;
      }
    };
    add(live_[id]);
    for (auto& [generation, samples] : frozen_) {
      if (generation >= lowest) add(samples[id]);
    }
    REQUIRE(folder_.Read(id, range, lowest) == expected);
    if (!expected.empty()) REQUIRE(folder_.store->Overlaps(SeriesId{id}, range, lowest));
  }

  void Freeze() {
    const int64_t cut = now_ - static_cast<int64_t>(random_() % 1000);
    REQUIRE(folder_.store->Freeze(FromMs(cut)) == next_);
    Truth& frozen = frozen_[next_++];
    for (auto& [id, series] : live_) {
      const auto end = series.lower_bound(cut);
      frozen[id] = Series(series.begin(), end);
      series.erase(series.begin(), end);
    }
  }

  void Drop() {
    if (frozen_.empty()) return;
    lowest_ = frozen_.begin()->first + 1;
    frozen_.erase(frozen_.begin());
    REQUIRE(folder_.store->DropThrough(lowest_ - 1));
  }

  void SealAll() {
    REQUIRE(folder_.store->SealAll({7, ++position_}));
    log_.clear();
  }

  // Dropped samples stay away as long as the log does not bring them back: it is cut first.
  void Restart(bool crash) {
    SealAll();
    AppendSome();
    folder_.store.reset();
    if (crash) memory_.Crash(random_() % 3000);
    folder_.Reopen();
    REQUIRE(folder_.store->sealed_position().offset == position_);
    const std::vector<Logged> log = std::exchange(log_, {});
    for (const auto& [id, ms, value] : log) folder_.Append(id, ms, value);
    log_ = log;
    // All that is left belongs to one generation.
    for (auto& [generation, samples] : frozen_) {
      for (auto& [id, series] : samples) live_[id].merge(series);
    }
    frozen_.clear();
    next_ = lowest_ = 0;
    CompareAll();
  }

  std::mt19937_64 random_;
  MemoryFileSystem& memory_;
  Folder folder_;
  Truth live_;
  std::map<uint64_t, Truth> frozen_;
  std::vector<Logged> log_;
  int64_t now_ = 1'700'000'000'000;
  uint64_t next_ = 0, lowest_ = 0, position_ = 0;
};

TEST_CASE("The lone store is what maps are, through freezes, drops, restarts and crashes") {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    MemoryFileSystem memory;
    Oracle oracle(seed, memory, memory);
    for (int step = 0; step < 3000; ++step) oracle.Step();
    oracle.CompareAll();
    CHECK(oracle.folder().sink->lines().empty());
  }
}

TEST_CASE(
    "Nothing is lost while the disk is full or fails, and files are written once it does not") {
  const FileOperation operations[] = {FileOperation::kOpen,   FileOperation::kAppend,
                                      FileOperation::kSync,   FileOperation::kMap,
                                      FileOperation::kRemove, FileOperation::kSyncDirectory};
  for (const FileOperation operation : operations) {
    for (int nth = 1; nth <= 30; nth += 1 + nth / 8) {
      INFO("operation " << static_cast<int>(operation) << ", call " << nth);
      MemoryFileSystem memory;
      FaultFileSystem files(memory);
      Folder folder(files);
      files.Inject({.operation = operation,
                    .nth = nth,
                    .code = ErrorCode::kLimitExceeded,
                    .written_bytes = 9,
                    .stays = nth % 2 == 0});
      std::mt19937_64 random(nth);
      Truth truth;
      const auto append = [&](int64_t first) {
        for (int64_t ms = first; ms < first + 400; ++ms) {
          for (uint64_t id = 1; id <= 5; ++id) {
            truth[id][ms] = RandomValue(random);
            REQUIRE(folder.Append(id, ms, truth[id][ms]));
          }
        }
      };
      const auto compare = [&] {
        for (const auto& [id, series] : truth) REQUIRE(folder.Read(id) == series);
      };
      append(0);
      const bool sealed = folder.store->SealAll({1, 1}).has_value();
      compare();
      const uint64_t frozen = folder.store->Freeze(FromMs(200));
      compare();
      append(400);
      const bool dropped = folder.store->DropThrough(frozen).has_value();
      for (auto& [id, series] : truth) series.erase(series.begin(), series.lower_bound(200));
      compare();

      files.ClearFaults();
      const bool again = folder.store->SealAll({1, 2}).has_value();
      const bool sync_failed =
          operation == FileOperation::kSync || operation == FileOperation::kSyncDirectory;
      if (!sync_failed) REQUIRE(again);
      compare();
      if (!again) continue;
      folder.store.reset();
      memory.Crash();
      folder.Reopen();
      CHECK(folder.store->sealed_position().offset == 2);
      if (dropped && sealed) compare();
    }
  }
}

TEST_CASE("A damaged file costs the runs in its damaged frames, and the log is asked again") {
  MemoryFileSystem memory;
  Folder folder(memory);
  Truth truth;
  for (int64_t ms = 0; ms < 1000; ++ms) {
    for (uint64_t id = 1; id <= 3; ++id) {
      truth[id][ms] = {static_cast<double>(ms * 7919 % 1000) / 3};
      folder.Append(id, ms, truth[id][ms]);
    }
  }
  REQUIRE(folder.store->SealAll({3, 4}));
  folder.store.reset();
  const auto entries = *memory.List("/head");
  REQUIRE(entries.size() >= 2);
  const std::string path = "/head/" + entries[0].name;
  std::string bytes = *memory.ReadFile(path);
  bytes[bytes.size() / 2] ^= 1;
  REQUIRE(memory.WriteFile(path, bytes));
  folder.Reopen();
  CHECK(folder.store->sealed_position().segment == 0);
  CHECK_FALSE(folder.sink->lines().empty());
  size_t found = 0;
  for (const auto& [id, series] : truth) {
    const Series read = folder.Read(id);
    for (const auto& [ms, value] : read) CHECK(series.at(ms) == value);
    found += read.size();
    for (const auto& [ms, value] : series) folder.Append(id, ms, value);
    CHECK(folder.Read(id) == series);
  }
  CHECK(found > 1500);
  CHECK(found < 3000);
}

TEST_CASE("Samples that the log has once more are known, in whatever order records have them") {
  MemoryFileSystem memory;
  std::mt19937_64 random(3);
  Folder folder(memory);
  Series truth;
  std::vector<std::vector<int64_t>> records(40);
  for (auto& record : records) {
    const auto begin = static_cast<int64_t>(random() % 3000);
    for (int64_t i = 0; i < 200; ++i) {
      record.push_back(begin + (random() % 3 == 0 ? static_cast<int64_t>(random() % 400) : i));
    }
  }
  const auto replay = [&](bool again) {
    for (const auto& record : records) {
      std::vector<LonePoint> points;
      bool any_new = false;
      for (const int64_t ms : record) {
        const auto [entry, is_new] = truth.try_emplace(ms, Value{static_cast<double>(ms % 97)});
        any_new = any_new || is_new;
        points.push_back(entry->second.at(ms));
      }
      REQUIRE(folder.store->AppendLogged(SeriesId{1}, points).sample == any_new);
      CHECK((!again || !any_new));
    }
  };
  replay(false);
  CHECK(folder.Read(1) == truth);
  replay(true);
  REQUIRE(folder.store->SealAll({1, 1}));
  folder.Reopen();
  replay(true);
  CHECK(folder.Read(1) == truth);
}

TEST_CASE("Files go with the generation that they hold, and readers keep what they have") {
  MemoryFileSystem memory;
  Folder folder(memory);
  for (int64_t ms = 0; ms < 5000; ++ms) folder.Append(1, ms, {static_cast<double>(ms * ms % 977)});
  CHECK(folder.store->file_bytes() > 1000);
  const uint64_t first = folder.store->Freeze(FromMs(4000));
  CHECK(folder.ReadFrozen(1, first).size() == 4000);
  CHECK(folder.Read(1, {}, first + 1).size() == 1000);
  CHECK(folder.Append(1, 3999, {1}) == false);
  CHECK(folder.Append(1, -5, {1}));
  REQUIRE(folder.store->DropThrough(first));
  CHECK(folder.Read(1).size() == 1001);
  CHECK(folder.Append(1, 3999, {1}));
  const uint64_t second = folder.store->Freeze(FromMs(6000));
  REQUIRE(folder.store->DropThrough(second));
  CHECK(folder.store->Series().empty());
  CHECK(folder.store->file_bytes() == 0);
  CHECK_FALSE(folder.store->Overlaps(SeriesId{1}, {}));
}

TEST_CASE("Lone samples are read while they are appended, frozen, sealed and dropped") {
  MemoryFileSystem memory;
  Folder folder(memory);
  LoneStore& store = *folder.store;
  constexpr int64_t kSamples = 20'000;
  std::atomic<int64_t> appended[2] = {0, 0};
  std::atomic<bool> done = false;
  const FloatHistogram histogram = MakeHistogram(0, {1, 2, 3});
  const auto write = [&](uint64_t writer) {
    for (int64_t ms = 0; ms < kSamples; ++ms) {
      for (uint64_t id = writer * 40 + 1; id <= writer * 40 + 40; id += 13) {
        const bool is_histogram = ms % 1000 < 20;
        store.Append(SeriesId{id},
                     {FromMs(ms), static_cast<double>(ms), is_histogram ? &histogram : nullptr});
      }
      appended[writer] = ms + 1;
    }
  };
  std::atomic<int64_t> dropped_before = 0;
  std::atomic<int> failures = 0;
  std::thread first(write, 0), second(write, 1);
  std::thread keeper([&] {
    while (!done) {
      const int64_t cut = std::min<int64_t>(appended[0], appended[1]) - 300;
      const uint64_t generation = store.Freeze(FromMs(cut));
      if (!store.SealAll({1, 1})) ++failures;
      dropped_before = cut;
      if (!store.DropThrough(generation)) ++failures;
      (void)store.memory_bytes();
    }
  });
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t writer = random() % 2;
    const int64_t end = appended[writer];
    SampleColumns columns;
    REQUIRE(store.Read(SeriesId{writer * 40 + 14}, {FromMs(0), FromMs(end - 1)}, 0, columns));
    const int64_t begin = std::max<int64_t>(dropped_before, 0);
    if (end > begin + 1) REQUIRE(columns.size() >= static_cast<size_t>(end - begin - 1));
    for (size_t j = 1; j < columns.size(); ++j) {
      REQUIRE(ToMs(columns.timestamps[j]) == ToMs(columns.timestamps[j - 1]) + 1);
    }
  }
  first.join();
  second.join();
  done = true;
  keeper.join();
  CHECK(failures == 0);
}

}  // namespace
}  // namespace barograph::test
