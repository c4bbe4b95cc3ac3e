#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/time.h"

/// JSON, written front to back, in the dialect of Prometheus's API: strings escape
/// <, > and & as Go does for HTML, labels do not; bytes that are not UTF-8 become U+FFFD.
namespace barograph::web {

/// The caller keeps begins, ends, keys and values in a legal order; commas are the writer's.
class JsonWriter {
 public:
  JsonWriter() = default;
  /// Goes on behind a value that was written by another.
  explicit JsonWriter(std::string begun) : out_(std::move(begun)), after_value_(true) {}

  /// Makes room for so many bytes more.
  void Reserve(size_t bytes) { out_.reserve(out_.size() + bytes); }

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }

  void Key(std::string_view name);
  void String(std::string_view text);
  void Int(int64_t value);
  void Bool(bool value) { Raw(value ? "true" : "false"); }
  void Null() { Raw("null"); }
  /// A number as Go's encoding/json writes it; null when it is not finite.
  void Number(double value);
  /// An object of names and values.
  void LabelSet(const Labels& labels);

  /// [seconds, "value"]: how the API shows a sample.
  void Sample(int64_t timestamp_ms, double value);
  /// An array of samples. Precondition: as many values as timestamps, which ascend.
  void SampleArray(std::span<const Timestamp> timestamps, std::span<const double> values);
  /// A timestamp in seconds, with three decimals or none; a sample's value in quotes, with an
  /// exponent below 1e-6 and from 1e21.
  void Seconds(int64_t timestamp_ms);
  void SampleValue(double value);

  /// A value that is JSON already.
  void Raw(std::string_view json);

  /// Goes on behind pieces that were written by others: values with the commas between them.
  void Continue(std::vector<std::string> pieces);

  /// All in one string.
  std::string Take();
  /// All in pieces, of which there is at least one: what was written by others is not copied.
  std::vector<std::string> TakePieces();

 private:
  void Separate() {
    if (after_value_) out_ += ',';
  }
  void Open(char bracket);
  void Close(char bracket);
  char* WriteSeconds(char* out, int64_t timestamp_ms);
  char* WriteSample(char* out, int64_t timestamp_ms, double value);
  char* WriteSamples(char* out, std::span<const Timestamp> timestamps,
                     std::span<const double> values);
  void FindLeading(int64_t leading);

  static constexpr size_t kMaxLeadingSize = 15;
  std::vector<std::string> before_;
  std::string out_;
  bool after_value_ = false;
  // Of the last sample: its time in whole units of 10,000 seconds, and their digits.
  int64_t leading_ = 0;
  std::array<char, kMaxLeadingSize> leading_digits_{};
  size_t leading_size_ = 0;
};

}  // namespace barograph::web
