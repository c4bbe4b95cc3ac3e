#include "net/compression.h"

#include <libdeflate.h>

#include <algorithm>
#include <memory>

#include "net/http_message.h"

namespace barograph::net {
namespace {

constexpr size_t kGzipTrailerBytes = 8;
constexpr size_t kSmallestOutput = 64 << 10;
constexpr size_t kTrustedRatio = 64;  // real pages compress 5 to 20 fold

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};
struct FreeCompressor {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};
using Decompressor = std::unique_ptr<libdeflate_decompressor, FreeDecompressor>;
using Compressor = std::unique_ptr<libdeflate_compressor, FreeCompressor>;

std::unexpected<Error> TooLarge() {
  return Fail(ErrorCode::kLimitExceeded, "body size limit exceeded");
}

/// The length that the last member's trailer claims, as far as it is plausible: a first guess at
/// the room that the output needs.
size_t GuessOutputBytes(std::string_view packed) {
  if (packed.size() < kGzipTrailerBytes) return kSmallestOutput;
  uint32_t claimed = 0;
  for (size_t i = 1; i <= 4; ++i)
    claimed = claimed << 8 | static_cast<uint8_t>(packed[packed.size() - i]);
  return std::clamp<size_t>(claimed, kSmallestOutput,
                            std::max(kSmallestOutput, packed.size() * kTrustedRatio));
}

/// Decodes the member at the start of `packed` to the end of `out`, growing it as needed; returns
/// the member's length.
Result<size_t> GunzipMember(libdeflate_decompressor& decompressor, std::string_view packed,
                            size_t max_bytes, BodyBuffer& out) {
  for (;;) {
    const size_t room = std::min(out.capacity(), max_bytes) - out.size();
    size_t read = 0;
    size_t written = 0;
    const auto result =
        libdeflate_gzip_decompress_ex(&decompressor, packed.data(), packed.size(),
                                      out.data() + out.size(), room, &read, &written);
    if (result == LIBDEFLATE_SUCCESS) {
      out.Commit(written);
      return read;
    }
    if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
      return Fail(ErrorCode::kCorruption, "gzip: invalid or incomplete data");
    if (out.capacity() >= max_bytes) return TooLarge();
    out.Reserve(2 * out.capacity());
  }
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool IsRefused(std::string_view parameters) {
  parameters = Trim(parameters);
  return parameters.starts_with("q=0") && parameters.find_first_not_of("0.", 2) == parameters.npos;
}

}  // namespace

Status GunzipInto(std::string_view packed, uint64_t max_bytes, BodyBuffer& out) {
  const Decompressor decompressor(libdeflate_alloc_decompressor());
  if (decompressor == nullptr) return Fail(ErrorCode::kInternal, "gzip: out of memory");
  out.Clear();
  const size_t limit = max_bytes == 0 ? SIZE_MAX / 4 : max_bytes;
  out.Reserve(GuessOutputBytes(packed));
  do {
    packed.remove_prefix(TRY(GunzipMember(*decompressor, packed, limit, out)));
  } while (!packed.empty());
  return {};
}

std::string_view ToString(ContentEncoding encoding) {
  switch (encoding) {
    case ContentEncoding::kIdentity: return "";
    case ContentEncoding::kGzip: return "gzip";
    case ContentEncoding::kDeflate: return "deflate";
  }
  return "";
}

ContentEncoding ChooseEncoding(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    const std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
    const size_t semicolon = std::min(item.find(';'), item.size());
    if (semicolon < item.size() && IsRefused(item.substr(semicolon + 1))) continue;
    const std::string_view name = Trim(item.substr(0, semicolon));
    if (EqualsIgnoreCase(name, "gzip")) return ContentEncoding::kGzip;
    if (EqualsIgnoreCase(name, "deflate")) return ContentEncoding::kDeflate;
  }
  return ContentEncoding::kIdentity;
}

std::string Compress(std::string_view plain, ContentEncoding encoding) {
  const Compressor compressor(libdeflate_alloc_compressor(1));
  const bool gzip = encoding == ContentEncoding::kGzip;
  if (compressor == nullptr || encoding == ContentEncoding::kIdentity) return std::string(plain);
  std::string packed;
  packed.resize(gzip ? libdeflate_gzip_compress_bound(compressor.get(), plain.size())
                     : libdeflate_zlib_compress_bound(compressor.get(), plain.size()));
  const auto compress = gzip ? libdeflate_gzip_compress : libdeflate_zlib_compress;
  packed.resize(
      compress(compressor.get(), plain.data(), plain.size(), packed.data(), packed.size()));
  return packed;
}

}  // namespace barograph::net
