#include "server/ingest/body_decoder.h"

#include <fmt/format.h>
#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <span>

namespace barograph::server {
namespace {

/// Of snappy: the shortest element that copies, 3 bytes, stands for at most 64.
constexpr uint64_t kMaxSnappyRatio = 64 / 3 + 1;

std::unexpected<Error> Malformed(std::string_view format) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("the body is not in {} format, or corrupt", format));
}

std::unexpected<Error> TooLarge(uint64_t max_bytes) {
  return Fail(ErrorCode::kLimitExceeded,
              fmt::format("the decompressed body is over the limit of {} bytes", max_bytes));
}

Status DecodeSnappy(std::string_view packed, uint64_t max_bytes, net::BodyBuffer& out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size))
    return Malformed("snappy's block");
  if (size > max_bytes) return TooLarge(max_bytes);
  if (size / kMaxSnappyRatio > packed.size()) return Malformed("snappy's block");
  out.Reserve(size);
  if (!snappy::RawUncompress(packed.data(), packed.size(), out.data()))
    return Malformed("snappy's block");
  out.Commit(size);
  return {};
}

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using ZstdContext = std::unique_ptr<ZSTD_DCtx, FreeContext>;

/// A frame that does not say how large it is comes out piece by piece, through a window of no more
/// than `max_bytes`.
Status DecodeZstdPieces(ZSTD_DCtx* context, std::string_view packed, uint64_t max_bytes,
                        net::BodyBuffer& out) {
  constexpr size_t kPieceBytes = 64 << 10;
  const int window_log = std::clamp<int>(std::bit_width(max_bytes), 10, 27);
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, window_log);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (;;) {
    const std::span<char> room = out.Prepare(kPieceBytes);
    ZSTD_outBuffer piece{room.data(), room.size(), 0};
    const size_t left = ZSTD_decompressStream(context, &piece, &in);
    if (ZSTD_isError(left)) return Malformed("zstd");
    out.Commit(piece.pos);
    if (out.size() > max_bytes) return TooLarge(max_bytes);
    if (left == 0 && in.pos == in.size) return {};
    if (in.pos == in.size && piece.pos < piece.size) return Malformed("zstd");  // it is cut off
  }
}

Status DecodeZstd(std::string_view packed, uint64_t max_bytes, net::BodyBuffer& out) {
  const ZstdContext context(ZSTD_createDCtx());
  if (!context) return Fail(ErrorCode::kUnavailable, "no memory to decompress a body");
  const uint64_t size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR) return Malformed("zstd");
  if (size == ZSTD_CONTENTSIZE_UNKNOWN)
    return DecodeZstdPieces(context.get(), packed, max_bytes, out);
  if (size > max_bytes) return TooLarge(max_bytes);
  out.Reserve(size);
  const size_t written =
      ZSTD_decompressDCtx(context.get(), out.data(), size, packed.data(), packed.size());
  if (ZSTD_isError(written) || written != size) return Malformed("zstd");
  out.Commit(size);
  return {};
}

}  // namespace

Status DecodeBody(WriteEncoding encoding, std::string_view packed, uint64_t max_bytes,
                  net::BodyBuffer& out) {
  out.Clear();
  return encoding == WriteEncoding::kSnappy ? DecodeSnappy(packed, max_bytes, out)
                                            : DecodeZstd(packed, max_bytes, out);
}

}  // namespace barograph::server
