#include "tsdb/chunk/summary.h"

#include <bit>
#include <cmath>

#include "base/bytes/varint.h"
#include "base/model/sample.h"
#include "tsdb/chunk/decimal.h"
#include "tsdb/chunk/little_endian.h"

// The compensation below is what a fused multiplication or a reordered sum would lose.
#pragma STDC FP_CONTRACT OFF

namespace barograph::tsdb {
namespace {

/// Kahan's summation with Neumaier's improvement.
void AddTo(double& sum, double& compensation, double value) {
  const double total = sum + value;
  if (std::isinf(total)) {
    compensation = 0;
  } else if (std::abs(sum) >= std::abs(value)) {
    compensation += (sum - total) + value;
  } else {
    compensation += (value - total) + sum;
  }
  sum = total;
}

void TakeExtremes(RunSummary& summary, double min, double max) {
  if (min < summary.min || std::isnan(summary.min)) summary.min = min;
  if (max > summary.max || std::isnan(summary.max)) summary.max = max;
}

// --- the encoded form: a byte that says what the fields repeat, then what it does not say ---

/// What `min` and `max` may repeat.
enum class Extreme : uint8_t { kIsFirst = 0, kIsLast = 1, kFollows = 2 };
constexpr unsigned kMinShift = 0;
constexpr unsigned kMaxShift = 2;
constexpr unsigned kExtremeMask = 3;
constexpr uint8_t kLastIsFirst = 0x10;
constexpr uint8_t kHasResets = 0x20;
constexpr uint8_t kHasCompensation = 0x40;
constexpr uint8_t kHasStale = 0x80;

// A number is a varint of twice its zigzag where it is whole, else this byte and its bits.
constexpr uint64_t kNotWhole = 1;

void AppendNumber(double number, std::string& out) {
  const auto bits = std::bit_cast<uint64_t>(number);
  const double whole = std::abs(number) < kMaxDecimalInteger ? number : 0;
  const uint64_t integer = RoundToInteger(whole);
  if (SameBits(IntegerToDouble(integer), number)) {
    AppendVarint(out, ZigZag(static_cast<int64_t>(integer)) << 1);
    return;
  }
  AppendVarint(out, kNotWhole);
  char bytes[8];
  StoreLittleEndian64(bytes, bits);
  out.append(bytes, sizeof(bytes));
}

const char* ReadNumber(const char* in, const char* end, double& number) {
  uint64_t head = 0;
  in = GetVarint(in, end, head);
  if (in == nullptr) return nullptr;
  if (head != kNotWhole) {
    number = IntegerToDouble(static_cast<uint64_t>(UnZigZag(head >> 1)));
    return in;
  }
  if (end - in < 8) return nullptr;
  number = std::bit_cast<double>(LoadLittleEndian64(in));
  return in + 8;
}

Extreme SourceOf(double extreme, const RunSummary& summary) {
  if (SameBits(extreme, summary.first)) return Extreme::kIsFirst;
  return SameBits(extreme, summary.last) ? Extreme::kIsLast : Extreme::kFollows;
}

const char* ReadExtreme(const char* in, const char* end, unsigned source, const RunSummary& summary,
                        double& extreme) {
  switch (static_cast<Extreme>(source)) {
    case Extreme::kIsFirst: extreme = summary.first; return in;
    case Extreme::kIsLast: extreme = summary.last; return in;
    case Extreme::kFollows: return ReadNumber(in, end, extreme);
  }
  return nullptr;
}

/// Reads a count that must not exceed `most`.
const char* ReadCount(const char* in, const char* end, uint32_t most, uint32_t& count) {
  uint64_t value = 0;
  in = GetVarint(in, end, value);
  if (in == nullptr || value > most) return nullptr;
  count = static_cast<uint32_t>(value);
  return in;
}

/// Returns the end of what it read, or nullptr.
const char* ReadFields(const char* in, const char* end, uint32_t values, RunSummary& summary) {
  if (in == end) return nullptr;
  const auto head = static_cast<uint8_t>(*in++);
  if ((head & kHasStale) != 0) in = ReadCount(in, end, values, summary.stale);
  summary.count = values - summary.stale;
  if (in != nullptr) in = ReadNumber(in, end, summary.first);
  summary.last = summary.first;
  if (in != nullptr && (head & kLastIsFirst) == 0) in = ReadNumber(in, end, summary.last);
  if (in != nullptr) {
    in = ReadExtreme(in, end, (head >> kMinShift) & kExtremeMask, summary, summary.min);
  }
  if (in != nullptr) {
    in = ReadExtreme(in, end, (head >> kMaxShift) & kExtremeMask, summary, summary.max);
  }
  if (in != nullptr) in = ReadNumber(in, end, summary.sum);
  if (in != nullptr && (head & kHasCompensation) != 0) {
    in = ReadNumber(in, end, summary.sum_compensation);
  }
  if (in != nullptr && (head & kHasResets) != 0) {
    in = ReadCount(in, end, summary.count, summary.resets);
    if (in != nullptr) in = ReadNumber(in, end, summary.reset_sum);
  }
  return in;
}

}  // namespace

RunSummary Summarize(std::span<const double> values) {
  RunSummary summary;
  for (const double value : values) {
    if (IsStale(value)) {
      ++summary.stale;
      continue;
    }
    if (summary.count++ == 0) {
      summary.first = summary.last = summary.min = summary.max = value;
    }
    if (value < summary.last) {
      ++summary.resets;
      summary.reset_sum += summary.last;
    }
    TakeExtremes(summary, value, value);
    AddTo(summary.sum, summary.sum_compensation, value);
    summary.last = value;
  }
  if (!std::isfinite(summary.sum)) summary.sum_compensation = 0;
  return summary;
}

RunSummary Concatenate(const RunSummary& first, const RunSummary& second) {
  RunSummary whole = first.count == 0 ? second : first;
  if (first.count != 0 && second.count != 0) {
    if (second.first < first.last) {
      ++whole.resets;
      whole.reset_sum += first.last;
    }
    whole.count += second.count;
    whole.resets += second.resets;
    whole.reset_sum += second.reset_sum;
    whole.last = second.last;
    TakeExtremes(whole, second.min, second.max);
    whole.sum_compensation += second.sum_compensation;
    AddTo(whole.sum, whole.sum_compensation, second.sum);
    if (!std::isfinite(whole.sum)) whole.sum_compensation = 0;
  }
  whole.stale = first.stale + second.stale;
  return whole;
}

void AppendSummary(const RunSummary& summary, std::string& out) {
  const Extreme min = SourceOf(summary.min, summary);
  const Extreme max = SourceOf(summary.max, summary);
  const bool last_is_first = SameBits(summary.last, summary.first);
  const bool compensation = !SameBits(summary.sum_compensation, 0);
  out.push_back(static_cast<char>(
      static_cast<unsigned>(min) << kMinShift | static_cast<unsigned>(max) << kMaxShift |
      (last_is_first ? kLastIsFirst : 0u) | (summary.resets > 0 ? kHasResets : 0u) |
      (compensation ? kHasCompensation : 0u) | (summary.stale > 0 ? kHasStale : 0u)));
  if (summary.stale > 0) AppendVarint(out, summary.stale);
  AppendNumber(summary.first, out);
  if (!last_is_first) AppendNumber(summary.last, out);
  if (min == Extreme::kFollows) AppendNumber(summary.min, out);
  if (max == Extreme::kFollows) AppendNumber(summary.max, out);
  AppendNumber(summary.sum, out);
  if (compensation) AppendNumber(summary.sum_compensation, out);
  if (summary.resets > 0) {
    AppendVarint(out, summary.resets);
    AppendNumber(summary.reset_sum, out);
  }
}

Result<RunSummary> ParseSummary(std::string_view bytes, uint32_t values) {
  RunSummary summary;
  const char* const end = bytes.data() + bytes.size();
  if (ReadFields(bytes.data(), end, values, summary) != end || bytes.empty()) {
    return Fail(ErrorCode::kCorruption, "summary of a run: malformed");
  }
  return summary;
}

}  // namespace barograph::tsdb
