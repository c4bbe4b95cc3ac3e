#include "tsdb/block/integer_list.h"

#include <algorithm>
#include <string_view>

#include "base/bytes/varint.h"
#include "tsdb/chunk/integer_stream.h"

namespace barograph::tsdb {

void AppendIntegers(std::span<const uint64_t> integers, RunEncoder& encoder, std::string& out) {
  MappedRun& run = encoder.run();
  run.mapping = 0;
  run.specials.clear();
  run.integers.assign(integers.begin(), integers.end());
  std::string bytes;
  encoder.Encode(bytes);
  AppendVarint(out, bytes.size());
  out += bytes;
}

const char* ReadIntegers(const char* in, const char* end, size_t count,
                         std::vector<uint64_t>& out) {
  uint64_t size = 0;
  in = GetVarint(in, end, size);
  if (in == nullptr || size > static_cast<size_t>(end - in)) return nullptr;
  out.resize(count);
  if (count == 0) return size == 0 ? in : nullptr;
  RunHeader header;
  if (!ParseIntegerRunHeader({in, size}, count, header)) return nullptr;
  const auto take = [&out](const uint64_t* integers, size_t begin, size_t n) {
    std::copy_n(integers, n, out.data() + begin);
  };
  return DecodeIntegers(header, count, take) ? in + size : nullptr;
}

}  // namespace barograph::tsdb
