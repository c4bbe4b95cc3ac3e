#pragma once

#include <cstdint>
#include <vector>

#include "base/model/sample.h"

/// The series of a target whose samples carry timestamps of their own, as cAdvisor's do. They
/// cannot share the row's timestamp, so each has an id in storage instead of a column.
namespace barograph::server {

using LoneId = uint32_t;

/// Not thread-safe. Like a row, a page's samples count once it is committed.
class LoneSeries {
 public:
  LoneId Add(SeriesId id);
  SeriesId id(LoneId lone) const { return entries_[lone].id; }

  /// A sample of it is on this page.
  void Saw(LoneId lone) { entries_[lone].seen = true; }

  /// The series that had a sample on the last committed page and have none on this one.
  std::vector<SeriesId> Ended() const;

  void Commit();
  void Discard();

  /// None is alive any more.
  void EndAll();

  /// Frees the ids that are not in `used`.
  void KeepOnly(const std::vector<bool>& used);
  size_t size() const { return entries_.size() - free_.size(); }
  size_t id_limit() const { return entries_.size(); }

 private:
  struct Entry {
    SeriesId id = kNoSeries;  // kNoSeries where the place is free
    bool alive = false;       // was on the last committed page
    bool seen = false;        // is on this page
  };
  std::vector<Entry> entries_;
  std::vector<LoneId> free_;
};

}  // namespace barograph::server
