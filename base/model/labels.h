#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes/utf8.h"

/// Label sets: what names a series. A set is one packed string (pairs of length-prefixed name and
/// value, sorted by name in byte order), so that it is one allocation, compares and hashes as
/// bytes, and can be stored as it is.
namespace barograph {

inline constexpr std::string_view kMetricName = "__name__";
inline constexpr std::string_view kInstanceLabel = "instance";
inline constexpr std::string_view kJobLabel = "job";
inline constexpr std::string_view kBucketLabel = "le";

struct Label {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const Label&) const = default;
};

/// An immutable label set. Names are unique; a label with an empty value is the same as no label
/// and is never held. Copies are deep; safe to read from many threads.
class Labels {
 public:
  class Iterator;

  Labels() = default;

  /// Sorts; of two pairs with one name the last wins; empty values are left out.
  Labels(std::initializer_list<Label> labels);
  static Labels FromPairs(std::vector<Label> pairs);

  /// Takes what packed() gave. Precondition: `packed` came from packed(), or Validate(packed).
  static Labels FromPacked(std::string packed);

  /// Whether `packed` is a well-formed packed set: lengths in bounds, names ascending and unique,
  /// nothing empty. For bytes that come from a disk.
  static bool Validate(std::string_view packed);

  /// The bytes: for each label varint(name size) name varint(value size) value.
  std::string_view packed() const { return packed_; }

  bool empty() const { return packed_.empty(); }
  size_t size() const;  ///< how many labels; linear

  /// The value of `name`, empty when absent. Linear, which for real sets is the fastest.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  std::string_view metric_name() const { return Get(kMetricName); }

  Iterator begin() const;
  Iterator end() const;

  /// A 64-bit hash of the bytes (XXH3); the same in every process, so it may be stored.
  uint64_t Hash() const;

  /// As Prometheus prints a metric: name{a="b", c="d"}; `{}` for the empty set. Names that are
  /// not legacy identifiers are quoted inside the braces.
  std::string ToString() const;

  bool operator==(const Labels&) const = default;

  /// The order of API results: label by label, name before value, a prefix before the longer.
  std::strong_ordering operator<=>(const Labels& other) const;

 private:
  explicit Labels(std::string packed) : packed_(std::move(packed)) {}
  std::string packed_;
};

/// Walks a packed set in name order. The views it gives live as long as the set.
class Labels::Iterator {
 public:
  using value_type = Label;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;

  Iterator() = default;
  explicit Iterator(std::string_view rest) : rest_(rest) { Read(); }

  Label operator*() const { return current_; }
  const Label* operator->() const { return &current_; }
  Iterator& operator++() {
    rest_.remove_prefix(label_bytes_);
    Read();
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

 private:
  void Read();
  std::string_view rest_;  // from the current label to the end
  Label current_;
  size_t label_bytes_ = 0;
};

inline Labels::Iterator Labels::begin() const { return Iterator(packed_); }
inline Labels::Iterator Labels::end() const { return Iterator(std::string_view()); }

/// Builds a label set by edits. Keeps owned strings, so it may outlive what it was filled from.
/// Not thread-safe; reuse one to save allocations.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base) { Reset(base); }

  void Reset(const Labels& base);
  void Clear() { labels_.clear(); }

  /// Sets or replaces; an empty value deletes.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Delete(std::string_view name);
  std::string_view Get(std::string_view name) const;

  /// Visits the labels in name order as (name, value). The callback must not edit the builder.
  template <typename F>
  void ForEach(F&& visit) const {
    for (const auto& [name, value] : labels_)
      visit(std::string_view(name), std::string_view(value));
  }

  Labels Build() const;

 private:
  std::vector<std::pair<std::string, std::string>> labels_;  // sorted by name, values not empty
};

/// Keeps, or drops, the labels with the given names. `names` must be sorted.
Labels KeepLabels(const Labels& labels, const std::vector<std::string>& names);
Labels DropLabels(const Labels& labels, const std::vector<std::string>& names);

/// [a-zA-Z_][a-zA-Z0-9_]*: a label name under the legacy scheme.
bool IsLegacyLabelName(std::string_view name);
/// [a-zA-Z_:][a-zA-Z0-9_:]*: a metric name under the legacy scheme.
bool IsLegacyMetricName(std::string_view name);
/// Not empty and valid UTF-8: a name under the UTF-8 scheme, Prometheus 3's default.
bool IsUtf8Name(std::string_view name);

/// How names are checked: `metric_name_validation_scheme`.
enum class NameValidation : uint8_t { kUtf8, kLegacy };
bool IsValidLabelName(std::string_view name, NameValidation scheme);
bool IsValidMetricName(std::string_view name, NameValidation scheme);

}  // namespace barograph

template <>
struct std::hash<barograph::Labels> {
  size_t operator()(const barograph::Labels& labels) const noexcept { return labels.Hash(); }
};
