#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

/// A column of timestamps. Made for the ascending, nearly regular times of scrapes: what is stored
/// is each timestamp's offset from a grid, or the change of the step where times follow no grid.
/// Any other sequence survives as well, in more bytes.
///
/// Like a run of values (value_codec.h) a column carries neither its count nor its length.
/// Format: docs/formats/chunk.md.
namespace barograph::tsdb {

/// Appends the column to `out`. Any count, any order; never fails. Thread-safe.
void EncodeTimestamps(std::span<const Timestamp> timestamps, std::string& out);

/// Fills `out` with the column in `bytes`, which must be exactly what EncodeTimestamps appended
/// for `out.size()` timestamps. Corruption on anything that is not (`out` is then unspecified);
/// foreign bytes never cause an access outside `bytes` and `out`, but may decode to something, so
/// that order is the caller's to check. Thread-safe.
Status DecodeTimestamps(std::string_view bytes, std::span<Timestamp> out);

}  // namespace barograph::tsdb
