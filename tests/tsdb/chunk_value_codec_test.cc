#include "tsdb/chunk/value_codec.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "base/model/sample.h"

namespace barograph::tsdb {
namespace {

using Run = std::vector<double>;
using Random = std::mt19937_64;

double FromBits(uint64_t bits) { return std::bit_cast<double>(bits); }

/// Every double that has ever caused trouble.
const Run kSpecialValues = {0.0,
                            -0.0,
                            1,
                            -1,
                            0.1,
                            1e-9,
                            1e22,
                            1e23,
                            0x1p51,
                            0x1p51 - 1,
                            -0x1p51,
                            0x1p53,
                            0x1p53 + 2,
                            0x1p63,
                            0x1p64,
                            5e-324,
                            -5e-324,
                            2.2250738585072014e-308,
                            1.7976931348623157e308,
                            -1.7976931348623157e308,
                            kInf,
                            -kInf,
                            kStaleNan,
                            kNormalNan,
                            FromBits(0x7ff8000000000000),
                            FromBits(0xfff8000000000000),
                            FromBits(0x7ff0000000000001),
                            FromBits(0xffffffffffffffff),
                            FromBits(0xfff0000000000002)};

std::string Encoded(const Run& run) {
  std::string bytes;
  EncodeValues(run, bytes);
  return bytes;
}

bool SameRun(const Run& a, const Run& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

/// Decodes from an allocation that ends where the bytes end.
Run Decoded(const std::string& bytes, size_t count) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  Run out(count, 42);
  const Status status = DecodeValues({exact.data(), exact.size()}, out);
  INFO(DescribeValues(bytes, count));
  REQUIRE(status);
  return out;
}

size_t CheckRoundTrip(const Run& run) {
  const std::string bytes = Encoded(run);
  INFO(run.size() << " values as " << DescribeValues(bytes, run.size()));
  REQUIRE(SameRun(Decoded(bytes, run.size()), run));
  return bytes.size();
}

/// A way to make the next value of a run.
struct Source {
  const char* name;
  std::function<double(size_t i, double last, Random&)> next;
};

double Whole(uint64_t integer) { return static_cast<double>(integer); }

const std::vector<Source> kSources = {
    {"constant", [](size_t, double, Random&) { return 17.25; }},
    {"slope", [](size_t i, double, Random&) { return Whole(3 * i); }},
    {"counter", [](size_t, double last, Random& r) { return last + Whole(r() % 1000); }},
    {"counter with resets",
     [](size_t, double last, Random& r) { return r() % 50 == 0 ? 0 : last + Whole(r() % 1000); }},
    {"rare changes",
     [](size_t, double last, Random& r) { return r() % 40 == 0 ? last + 1 : last; }},
    {"frequent changes",
     [](size_t, double last, Random& r) { return r() % 3 == 0 ? last + Whole(r() % 90) : last; }},
    {"few states", [](size_t, double, Random& r) { return Whole((r() % 5) * 1234567891); }},
    {"pages", [](size_t, double, Random& r) { return Whole(r() % 100000 * 4096); }},
    {"decimals", [](size_t, double, Random& r) { return Whole(r() % 100000) / 1000; }},
    {"decimals and markers",
     [](size_t, double, Random& r) {
       return r() % 20 == 0 ? kStaleNan : Whole(r() % 100000) / 100;
     }},
    {"growing sum of times",
     [](size_t, double last, Random& r) { return last + Whole(r() % 1'000'000'000) / 1e9; }},
    {"full entropy", [](size_t, double, Random& r) { return Whole(r()) / 0x1p64; }},
    {"floats", [](size_t, double, Random& r) { return double{float(r()) / 0x1p64f}; }},
    {"any bits", [](size_t, double, Random& r) { return FromBits(r()); }},
    {"any bits of some length",
     [](size_t, double, Random& r) { return FromBits(r() >> r() % 64); }},
    {"special values",
     [](size_t, double, Random& r) { return kSpecialValues[r() % kSpecialValues.size()]; }},
    {"values among special ones",
     [](size_t i, double, Random& r) {
       return r() % 6 == 0 ? kSpecialValues[r() % kSpecialValues.size()] : Whole(i);
     }},
    {"not a number now and then",
     [](size_t, double, Random& r) { return r() % 2 == 0 ? kNormalNan : Whole(r() % 7); }},
    {"both signs", [](size_t, double, Random& r) { return Whole(r() % 2000) - 1000.5; }},
};

Run MakeRun(const Source& source, size_t count, Random& random) {
  Run run;
  double last = Whole(random() % 1'000'000);
  for (size_t i = 0; i < count; ++i) run.push_back(last = source.next(i, last, random));
  return run;
}

TEST_CASE("Runs of every length from every source survive bit for bit") {
  Random random(11);
  for (const Source& source : kSources) {
    INFO(source.name);
    for (size_t count = 0; count <= 300; ++count) CheckRoundTrip(MakeRun(source, count, random));
    for (const size_t count : {480u, 1024u, 4096u}) {
      CheckRoundTrip(MakeRun(source, count, random));
    }
  }
}

TEST_CASE("The longest run survives, and what is beyond it is not encoded") {
  Random random(12);
  for (const Source& source : kSources) {
    INFO(source.name);
    CheckRoundTrip(MakeRun(source, kMaxRunValues, random));
  }
  const Run longer(kMaxRunValues + 10, 1.5);
  CHECK(Decoded(Encoded(longer), kMaxRunValues).size() == kMaxRunValues);
}

TEST_CASE("Every special value survives alone, repeated, and in any company") {
  for (const double a : kSpecialValues) {
    CheckRoundTrip({a});
    CheckRoundTrip(Run(120, a));
    for (const double b : kSpecialValues) {
      CheckRoundTrip({a, b});
      CheckRoundTrip({b, a, a});
      Run run(120, a);
      run[119] = b;
      CheckRoundTrip(run);
      for (size_t i = 0; i < run.size(); ++i) run[i] = static_cast<double>(i * i);
      run[0] = a;
      run[60] = b;
      CheckRoundTrip(run);
    }
  }
}

TEST_CASE("Integers of every size survive as values, slopes and noise") {
  Random random(13);
  for (unsigned width = 0; width <= 63; ++width) {
    Run noise, slope, both_signs;
    for (size_t i = 0; i < 130; ++i) {
      const uint64_t integer = width == 0 ? 0 : random() >> (64 - width);
      noise.push_back(Whole(integer));
      both_signs.push_back(i % 2 == 0 ? -Whole(integer) : Whole(integer));
      slope.push_back(Whole(i << (width / 2)));
    }
    CheckRoundTrip(noise);
    CheckRoundTrip(both_signs);
    CheckRoundTrip(slope);
  }
}

TEST_CASE("Any number of decimals is exact") {
  Random random(14);
  for (unsigned decimals = 0; decimals <= 24; ++decimals) {
    Run run;
    for (size_t i = 0; i < 120; ++i) {
      run.push_back(std::strtod(
          (std::to_string(random() % 1'000'000) + "e-" + std::to_string(decimals)).c_str(),
          nullptr));
    }
    const size_t bytes = CheckRoundTrip(run);
    if (decimals <= 22) CHECK(bytes <= 120 * 20 / 8 + 40);
  }
}

TEST_CASE("Decimals of which some drift survive, few or many, near or far") {
  Random random(9);
  size_t described = 0;
  for (const size_t count : {2, 65, 120, 128, 129, 130, 480, 1000}) {
    for (const size_t one_in : {1, 2, 5, 20, 200}) {
      for (const double sign : {1.0, -1.0}) {
        Run run(count);
        double sum = 1000;
        for (double& value : run) {
          sum += static_cast<double>(random() % 1000) / 100;
          value = sign * std::nearbyint(sum * 100) / 100;
        }
        for (size_t i = 1; i < count; ++i) {
          if (random() % one_in != 0) continue;
          const auto steps = static_cast<int>(random() % 5);
          for (int k = -2; k < steps; ++k) run[i] = std::nextafter(run[i], k < 0 ? 1e9 : -1e9);
        }
        CheckRoundTrip(run);
        std::string bytes;
        EncodeValues(run, bytes);
        described += DescribeValues(bytes, count).find("with drift") != std::string::npos ? 1 : 0;
      }
    }
  }
  CHECK(described > 40);
}

TEST_CASE("An encoder's bytes do not depend on what it encoded before") {
  Random random(15);
  ValueEncoder encoder;
  for (int round = 0; round < 500; ++round) {
    const Source& source = kSources[random() % kSources.size()];
    const Run run = MakeRun(source, random() % 400, random);
    std::string bytes = "kept";
    encoder.Encode(run, bytes);
    REQUIRE(bytes == "kept" + Encoded(run));
  }
}

TEST_CASE("What does not change takes next to nothing") {
  CHECK(CheckRoundTrip(Run(120, 0)) == 1);
  CHECK(CheckRoundTrip(Run(120, 1)) == 1);
  CHECK(CheckRoundTrip(Run(120, 1500)) == 3);
  CHECK(CheckRoundTrip(Run(120, 0.25)) <= 3);
  CHECK(CheckRoundTrip(Run(120, kStaleNan)) <= 10);
  Run ends(120, 7);
  ends.back() = kStaleNan;
  CHECK(CheckRoundTrip(ends) <= 5);
}

TEST_CASE("A run is described in words") {
  const auto described = [](const Run& run) { return DescribeValues(Encoded(run), run.size()); };
  CHECK(described(Run(9, 0.5)) == "constant / 10^1");
  CHECK(described({}) == "empty");
  CHECK(DescribeValues("\xff", 3) == "malformed");
  Run run(120, 4096);
  run[50] = 3 * 4096;
  run[70] = kNormalNan;
  CHECK(described(run) == "sparse x 8192, 1 special");
}

// --- damaged bytes ---

TEST_CASE("A run that is cut short or has bytes left over is refused as corruption") {
  Random random(16);
  for (const Source& source : kSources) {
    INFO(source.name);
    const Run run = MakeRun(source, 150, random);
    const std::string good = Encoded(run);
    Run out(run.size());
    for (size_t size = 0; size < good.size(); ++size) {
      const std::vector<char> cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      const Status status = DecodeValues({cut.data(), cut.size()}, out);
      // A sparse run ends with its bytes: cut between two changes it is another run.
      if (status) {
        CHECK(DescribeValues(good, run.size()).starts_with("sparse"));
      } else {
        CHECK(status.error().code == ErrorCode::kCorruption);
      }
    }
    if (!DescribeValues(good, run.size()).starts_with("sparse")) {
      CHECK_FALSE(DecodeValues(good + '\0', out));
    }
  }
  CHECK(DecodeValues("", {}));
  CHECK_FALSE(DecodeValues("x", {}));
}

TEST_CASE("Damaged runs never reach outside their bytes or values") {
  Random random(17);
  for (int round = 0; round < 60'000; ++round) {
    const Source& source = kSources[random() % kSources.size()];
    const Run run = MakeRun(source, 1 + random() % 300, random);
    std::string bytes = Encoded(run);
    for (size_t i = 0; i <= random() % 3; ++i) {
      bytes[random() % std::min<size_t>(bytes.size(), 24)] = static_cast<char>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
    if (random() % 4 == 0) bytes.append(random() % 20, static_cast<char>(random()));
    const std::vector<char> exact(bytes.begin(), bytes.end());
    Run out(random() % 4 == 0 ? random() % 600 : run.size());
    const Status status = DecodeValues({exact.data(), exact.size()}, out);
    if (!status) REQUIRE(status.error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("Markers are found without decoding, in runs of every kind") {
  Random random(11);
  for (int i = 0; i < 3000; ++i) {
    Run run(1 + random() % 200);
    const uint64_t kind = random() % 4;
    for (double& value : run) {
      const auto small = static_cast<double>(random() % 100);
      value = kind == 0   ? 7
              : kind == 1 ? small / 10
              : kind == 2 ? FromBits(random())
                          : kSpecialValues[random() % kSpecialValues.size()];
      if (random() % 16 == 0) value = kStaleNan;
    }
    Run markers(run.size());
    REQUIRE(DecodeMarkers(Encoded(run), markers));
    for (size_t k = 0; k < run.size(); ++k) REQUIRE(IsStale(markers[k]) == IsStale(run[k]));
  }
}

}  // namespace
}  // namespace barograph::tsdb
