#include <algorithm>
#include <bit>
#include <vector>

#include "tsdb/chunk/decimal.h"
#include "tsdb/chunk/run_encoder.h"
#include "tsdb/chunk/run_format.h"
#include "tsdb/chunk/value_codec.h"

namespace barograph::tsdb {
namespace {

bool AllSame(std::span<const double> values) {
  const auto first = std::bit_cast<uint64_t>(values[0]);
  constexpr size_t kStride = 16;  // differences are looked for after so many values
  size_t i = 0;
  while (i < values.size()) {
    uint64_t difference = 0;
    for (const size_t end = std::min(values.size(), i + kStride); i < end; ++i) {
      difference |= std::bit_cast<uint64_t>(values[i]) ^ first;
    }
    if (difference != 0) return false;
  }
  return true;
}

}  // namespace

struct ValueEncoder::Scratch {
  RunEncoder encoder;
  RunEncoder drift_encoder;
  std::vector<uint64_t> drift;
  std::string drifted;

  void EncodeConstant(double value, std::string& out);
  void EncodeChanging(std::span<const double> values, std::string& out);
};

void ValueEncoder::Scratch::EncodeConstant(double value, std::string& out) {
  MappedRun& run = encoder.run();
  MapRun({&value, 1}, run);
  if (!run.specials.empty()) {
    run.specials.clear();
    run.mapping = kMappingBits;
    run.integers[0] = BitsToInteger(value);
  }
  encoder.Encode(out);
}

void ValueEncoder::Scratch::EncodeChanging(std::span<const double> values, std::string& out) {
  const size_t begin = out.size();
  MappedRun& run = encoder.run();
  MapRun(values, run);
  const bool may_have_drifted = MayHaveDrifted(run);
  encoder.Encode(out);
  if (!may_have_drifted || !MapDriftedRun(values, run, drift)) return;

  MappedRun& drift_run = drift_encoder.run();
  drift_run.mapping = 0;
  drift_run.specials.clear();
  drift_run.integers = drift;
  run.drift.clear();
  drift_encoder.Encode(run.drift);
  drifted.clear();
  encoder.Encode(drifted);
  if (drifted.size() < out.size() - begin) out.replace(begin, out.npos, drifted);
}

ValueEncoder::ValueEncoder() : scratch_(std::make_unique<Scratch>()) {}
ValueEncoder::~ValueEncoder() = default;
ValueEncoder::ValueEncoder(ValueEncoder&&) noexcept = default;
ValueEncoder& ValueEncoder::operator=(ValueEncoder&&) noexcept = default;

void ValueEncoder::Encode(std::span<const double> values, std::string& out) {
  values = values.first(std::min(values.size(), kMaxRunValues));
  if (values.empty()) return;
  if (AllSame(values)) return scratch_->EncodeConstant(values[0], out);
  scratch_->EncodeChanging(values, out);
}

void EncodeValues(std::span<const double> values, std::string& out) {
  ValueEncoder().Encode(values, out);
}

}  // namespace barograph::tsdb
