#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "promql/script/runner.h"

/// The real storage for test scripts, with their samples where a test wants them.
namespace barograph::test {

/// How samples come in.
enum class Arrival : uint8_t {
  kAlone,  ///< each by itself, as by remote write
  kRows,   ///< floats as the rows of one scrape table, by time; histograms by themselves
};

/// What happens between a load and the queries after it.
enum class AfterLoad : uint8_t {
  kNothing,
  kRestart,     ///< closed and opened again
  kBlocks,      ///< everything is cut from the head into blocks, which are merged
  kHalfBlocks,  ///< the older half is
  kTinyBlocks,  ///< all but the newest is, to blocks of a few samples, which stay as they are
};

struct DatabaseSetup {
  std::string_view name;
  Arrival arrival = Arrival::kAlone;
  AfterLoad after_load = AfterLoad::kNothing;
};

/// Makes databases in temporary folders. `newest` is the time of the newest sample that will be
/// loaded, which says where the halves are. Counts the loads after which there were blocks in
/// `cuts`, which must outlive the databases.
promql::script::StorageFactory MakeDatabases(const DatabaseSetup& setup, Timestamp newest,
                                             size_t& cuts);

}  // namespace barograph::test
