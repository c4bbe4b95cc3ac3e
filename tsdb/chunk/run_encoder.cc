#include "tsdb/chunk/run_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "base/bytes/varint.h"
#include "base/model/sample.h"
#include "tsdb/chunk/dictionary.h"
#include "tsdb/chunk/little_endian.h"
#include "tsdb/chunk/pfor.h"
#include "tsdb/chunk/residuals.h"
#include "tsdb/chunk/run_format.h"
#include "tsdb/chunk/run_mapping.h"
#include "tsdb/chunk/stream_estimate.h"

namespace barograph::tsdb {
namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();

/// A kind is worked out where its estimate is at most the best one and this part of it.
constexpr size_t kEstimateMargin = 4;

/// A way to write the residuals, and the bits that it takes.
struct StreamChoice {
  RunKind kind = RunKind::kPacked;
  RunTransform transform = RunTransform::kRaw;
  size_t bits = kNever;
};

size_t VarintBits(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7 * 8;
}

uint64_t ZigZagBits(uint64_t value) { return ZigZag(static_cast<int64_t>(value)); }

void AppendWord(std::string& out, uint64_t word) {
  char bytes[8];
  StoreLittleEndian64(bytes, word);
  out.append(bytes, sizeof(bytes));
}

// --- header fields ---

void AppendBase(uint8_t mapping, uint64_t base, std::string& out) {
  if (mapping == kMappingBits) {
    AppendWord(out, base);
  } else {
    AppendVarint(out, ZigZagBits(base));
  }
}

void AppendConstant(const MappedRun& run, std::string& out) {
  const uint64_t integer = run.integers[0];
  const uint64_t small = std::min(ZigZagBits(integer), kTagConstantFollows);
  const bool bits = run.mapping == kMappingBits;
  const uint64_t middle = bits ? kTagConstantFollows : small;
  out.push_back(static_cast<char>(static_cast<uint64_t>(RunKind::kConstant) |
                                  middle << kTagConstantShift |
                                  (run.mapping != 0 ? kTagHasMapping : 0)));
  if (run.mapping != 0) out.push_back(static_cast<char>(run.mapping));
  if (middle == kTagConstantFollows) AppendBase(run.mapping, integer, out);
}

SpecialCode CodeOf(uint64_t bits, const SpecialValue* last) {
  if (bits == kStaleNanBits) return SpecialCode::kStale;
  if (bits == kNormalNanBits) return SpecialCode::kNormalNan;
  return last != nullptr && last->bits == bits ? SpecialCode::kSameAsLast : SpecialCode::kExplicit;
}

void AppendSpecials(std::span<const SpecialValue> specials, std::string& out) {
  AppendVarint(out, specials.size());
  const SpecialValue* last = nullptr;
  for (const SpecialValue& special : specials) {
    const size_t gap = last == nullptr ? special.position : special.position - last->position - 1;
    const SpecialCode code = CodeOf(special.bits, last);
    AppendVarint(out, gap << kSpecialShift | static_cast<uint64_t>(code));
    if (code == SpecialCode::kExplicit) AppendWord(out, special.bits);
    last = &special;
  }
}

// --- sparse and bitmap streams ---

template <typename Visit>
void VisitNonzero(std::span<const uint64_t> residuals, Visit visit) {
  size_t next = 0;
  for (size_t i = 0; i < residuals.size(); ++i) {
    if (residuals[i] == 0) continue;
    visit(i - next, residuals[i]);
    next = i + 1;
  }
}

size_t SparseBits(std::span<const uint64_t> residuals) {
  size_t bits = 0;
  VisitNonzero(residuals, [&bits](size_t gap, uint64_t residual) {
    bits += VarintBits(gap) + VarintBits(ZigZagBits(residual));
  });
  return bits;
}

void AppendSparse(std::span<const uint64_t> residuals, std::string& out) {
  VisitNonzero(residuals, [&out](size_t gap, uint64_t residual) {
    AppendVarint(out, gap);
    AppendVarint(out, ZigZagBits(residual));
  });
}

void AppendBits(std::span<const uint64_t> residuals, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + (residuals.size() + 7) / 8);
  for (size_t i = 0; i < residuals.size(); ++i) {
    const unsigned bit = residuals[i] != 0 ? 1u << (i % 8) : 0;
    out[begin + i / 8] = static_cast<char>(static_cast<uint8_t>(out[begin + i / 8]) | bit);
  }
}

}  // namespace

struct RunEncoder::Scratch {
  MappedRun run;
  std::array<std::vector<uint64_t>, kRunTransforms> residuals;
  std::vector<uint64_t> nonzero;
  std::vector<PforPlan> packed_plans, nonzero_plans;
  Dictionary dictionary;
  StreamEstimate best_estimate;

  std::vector<uint64_t>& ResidualsOf(RunTransform transform) {
    return residuals[static_cast<size_t>(transform)];
  }

  void Encode(std::string& out);
  StreamChoice Choose();
  RunTransform BestTransform();
  size_t FirstDeltaBits(RunTransform transform) const;
  void AppendHeader(const StreamChoice& choice, uint64_t base, uint64_t divisor,
                    std::string& out) const;
  void AppendStream(const StreamChoice& choice, std::string& out);
  void TakeNonzero(RunTransform transform);
};

void RunEncoder::Scratch::TakeNonzero(RunTransform transform) {
  nonzero.clear();
  std::ranges::copy_if(ResidualsOf(transform), std::back_inserter(nonzero),
                       [](uint64_t residual) { return residual != 0; });
}

/// Takes the residuals of each transform, and finds the one that promises most.
RunTransform RunEncoder::Scratch::BestTransform() {
  RunTransform best = RunTransform::kRaw;
  size_t best_bits = kNever;
  for (const RunTransform transform :
       {RunTransform::kRaw, RunTransform::kDelta, RunTransform::kDoubleDelta}) {
    std::vector<uint64_t>& of = ResidualsOf(transform);
    TakeResiduals(run.integers, transform, of);
    if (of.empty()) continue;
    const StreamEstimate estimate = EstimateStream(of);
    const size_t bits = estimate.best() + FirstDeltaBits(transform);
    if (bits < best_bits) {
      best = transform;
      best_bits = bits;
      best_estimate = estimate;
    }
  }
  return best;
}

size_t RunEncoder::Scratch::FirstDeltaBits(RunTransform transform) const {
  return transform == RunTransform::kDoubleDelta ? VarintBits(ZigZagBits(run.integers[1])) : 0;
}

StreamChoice RunEncoder::Scratch::Choose() {
  StreamChoice best;
  best.transform = BestTransform();
  const std::vector<uint64_t>& of = ResidualsOf(best.transform);
  const auto consider = [&best](RunKind kind, size_t bits) {
    if (bits < best.bits) best = {kind, best.transform, bits};
  };
  const size_t promising = best_estimate.best() + best_estimate.best() / kEstimateMargin;
  if (best_estimate.sparse_bits <= promising) consider(RunKind::kSparse, SparseBits(of));
  if (best_estimate.packed_bits <= promising)
    consider(RunKind::kPacked, PlanBlocks(of, packed_plans));
  if (best_estimate.bitmap_bits <= promising && best_estimate.nonzero < of.size()) {
    TakeNonzero(best.transform);
    consider(RunKind::kBitmap, (of.size() + 7) / 8 * 8 + PlanBlocks(nonzero, nonzero_plans));
  }
  best.bits += FirstDeltaBits(best.transform);
  if (dictionary.Build(ResidualsOf(RunTransform::kRaw))) {
    const size_t bits = dictionary.Plan();
    if (bits < best.bits) best = {RunKind::kDictionary, RunTransform::kRaw, bits};
  }
  return best;
}

void RunEncoder::Scratch::AppendHeader(const StreamChoice& choice, uint64_t base, uint64_t divisor,
                                       std::string& out) const {
  out.push_back(static_cast<char>(static_cast<unsigned>(choice.kind) |
                                  static_cast<unsigned>(choice.transform) << kTagTransformShift |
                                  (divisor != 1 ? kTagHasDivisor : 0u) |
                                  (run.specials.empty() ? 0u : kTagHasSpecials) |
                                  (run.mapping != 0 ? kTagHasMapping : 0u)));
  if (run.mapping != 0) out.push_back(static_cast<char>(run.mapping));
  AppendBase(run.mapping, base, out);
  if (divisor != 1) {
    const bool shift = run.mapping == kMappingBits;
    AppendVarint(out, shift ? static_cast<uint64_t>(std::countr_zero(divisor)) : divisor);
  }
  if (!run.specials.empty()) AppendSpecials(run.specials, out);
  if ((run.mapping & kMappingHasDrift) != 0) {
    AppendVarint(out, run.drift.size());
    out += run.drift;
  }
}

void RunEncoder::Scratch::AppendStream(const StreamChoice& choice, std::string& out) {
  const std::vector<uint64_t>& of = ResidualsOf(choice.transform);
  if (choice.transform == RunTransform::kDoubleDelta) {
    AppendVarint(out, ZigZagBits(run.integers[1]));
  }
  switch (choice.kind) {
    case RunKind::kConstant: break;
    case RunKind::kSparse: AppendSparse(of, out); break;
    case RunKind::kBitmap:
      AppendBits(of, out);
      AppendBlocks(nonzero, nonzero_plans, out);
      break;
    case RunKind::kPacked: AppendBlocks(of, packed_plans, out); break;
    case RunKind::kDictionary: dictionary.Append(out); break;
  }
}

void RunEncoder::Scratch::Encode(std::string& out) {
  if (run.integers.empty()) return;
  const uint64_t base = run.integers[0];
  const bool constant = std::ranges::all_of(run.integers, [base](auto i) { return i == base; });
  const bool drift = (run.mapping & kMappingHasDrift) != 0;
  if (constant && run.specials.empty() && !drift) return AppendConstant(run, out);
  const uint64_t divisor = CommonDivisor(run.integers, run.mapping == kMappingBits);
  TakeDistances(run.integers, divisor);
  const StreamChoice choice = Choose();
  AppendHeader(choice, base, divisor, out);
  AppendStream(choice, out);
}

RunEncoder::RunEncoder() : scratch_(std::make_unique<Scratch>()) {}
RunEncoder::~RunEncoder() = default;
RunEncoder::RunEncoder(RunEncoder&&) noexcept = default;
RunEncoder& RunEncoder::operator=(RunEncoder&&) noexcept = default;

MappedRun& RunEncoder::run() { return scratch_->run; }

void RunEncoder::Encode(std::string& out) { scratch_->Encode(out); }

}  // namespace barograph::tsdb
