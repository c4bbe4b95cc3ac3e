#include "web/api/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

#include "base/bytes/digits.h"
#include "base/bytes/utf8.h"
#include "base/model/number.h"
#include "base/model/short_decimals.h"

namespace barograph::web {
namespace {

/// Go's line: beyond it, floats are written with an exponent.
bool NeedsExponent(double value) {
  const double size = std::abs(value);
  return size != 0 && (size < 1e-6 || size >= 1e21);
}

bool MustEscape(char32_t code, bool for_html) {
  if (code < 0x20 || code == '"' || code == '\\') return true;
  return for_html &&
         (code == '<' || code == '>' || code == '&' || code == 0x2028 || code == 0x2029);
}

bool IsPlain(char c, bool for_html) {
  const auto byte = static_cast<uint8_t>(c);
  return byte < 0x80 && !MustEscape(byte, for_html);
}

using Bytes = uint8_t __attribute__((vector_size(16)));

bool ArePlain(Bytes bytes, bool for_html) {
  auto other = (bytes < 0x20) | (bytes >= 0x80) | (bytes == '"') | (bytes == '\\');
  if (for_html) other |= (bytes == '<') | (bytes == '>') | (bytes == '&');
  std::array<uint64_t, 2> halves;
  std::memcpy(halves.data(), &other, sizeof(other));
  return (halves[0] | halves[1]) == 0;
}

/// All bytes of a text, sixteen at a time; some are looked at twice, so that none is alone.
bool IsAllPlain(std::string_view text, bool for_html) {
  constexpr size_t kHalf = sizeof(Bytes) / 2;
  if (text.size() < kHalf) {
    return std::ranges::all_of(text, [for_html](char c) { return IsPlain(c, for_html); });
  }
  Bytes bytes;
  if (text.size() < sizeof(Bytes)) {
    std::array<char, sizeof(Bytes)> both;
    std::memcpy(both.data(), text.data(), kHalf);
    std::memcpy(both.data() + kHalf, text.data() + text.size() - kHalf, kHalf);
    std::memcpy(&bytes, both.data(), sizeof(bytes));
    return ArePlain(bytes, for_html);
  }
  for (size_t i = 0; i + sizeof(Bytes) <= text.size(); i += sizeof(Bytes)) {
    std::memcpy(&bytes, text.data() + i, sizeof(bytes));
    if (!ArePlain(bytes, for_html)) return false;
  }
  std::memcpy(&bytes, text.data() + text.size() - sizeof(bytes), sizeof(bytes));
  return ArePlain(bytes, for_html);
}

void AppendEscaped(std::string& out, char32_t code) {
  switch (code) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<uint32_t>(code));
  }
}

void AppendQuoted(std::string& out, std::string_view text) {
  const size_t before = out.size();
  out.resize_and_overwrite(before + text.size() + 2, [&](char* all, size_t) {
    char* end = all + before;
    *end++ = '"';
    end = std::ranges::copy(text, end).out;
    *end++ = '"';
    return end - all;
  });
}

void AppendText(std::string& out, std::string_view text, bool for_html) {
  if (IsAllPlain(text, for_html)) return AppendQuoted(out, text);
  out += '"';
  while (!text.empty()) {
    const auto odd =
        std::ranges::find_if(text, [for_html](char c) { return !IsPlain(c, for_html); });
    const auto plain = static_cast<size_t>(odd - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Rune rune = DecodeRune(text);
    if (!rune.valid) {
      out += "\\ufffd";
    } else if (MustEscape(rune.code, for_html)) {
      AppendEscaped(out, rune.code);
    } else {
      out += text.substr(0, rune.size);
    }
    text.remove_prefix(rune.size);
  }
  out += '"';
}

char* Copy(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

template <size_t kSize>
char* Write(char* out, const char (&text)[kSize]) {
  std::memcpy(out, text, kSize - 1);
  return out + kSize - 1;
}

/// What is between the braces, of labels in which nothing is escaped: nearly all. False, and
/// nothing is appended, where something is.
bool AppendPlainLabels(std::string& out, const Labels& labels) {
  const size_t before = out.size();
  bool plain = true;
  // A packed label has at least four bytes, of which two are lengths; its text has six beside.
  out.resize_and_overwrite(before + 2 * labels.packed().size(), [&](char* all, size_t) {
    char* end = all + before;
    for (const auto& [name, value] : labels) {
      plain = plain && IsAllPlain(name, false) && IsAllPlain(value, false);
      if (!plain) return before;
      end = Write(end, "\"");
      end = Write(Copy(end, name), "\":\"");
      end = Write(Copy(end, value), "\",");
    }
    if (!labels.empty()) --end;  // the last comma
    return static_cast<size_t>(end - all);
  });
  return plain;
}

constexpr int64_t kLeadingMs = 10'000'000;

/// The longest text of a sample or of its value, and what may be written behind: seconds have at
/// most 20 digits, values 24.
constexpr size_t kMaxSampleSize = 48 + kMaxValueSlack;

char* WriteQuotedValue(char* out, double value) {
  *out++ = '"';
  if (NeedsExponent(value)) {
    out = std::ranges::copy(FormatShortest(value), out).out;
  } else {
    out = WriteValue(out, value);
  }
  *out++ = '"';
  return out;
}

/// The last four digits of seconds, and milliseconds if there are any, of digits as SplitDigits
/// gives them: 0ssssmmm becomes ssss.mmm. Writes eight bytes, whatever it has.
char* WriteLastSeconds(char* out, uint64_t digits) {
  constexpr uint64_t kSeconds = 0xffff'ffff;
  constexpr uint64_t kPoint = uint64_t{'.' ^ '0'} << 32;
  const uint64_t millis = digits >> 40;
  const uint64_t text = ((digits >> 8 & kSeconds) | millis << 40 | kZeroDigits) ^ kPoint;
  std::memcpy(out, &text, sizeof(text));
  return out + (millis == 0 ? 4 : 8);
}

constexpr size_t kSamplesAtOnce = ShortDecimals::kMost;

/// How many of the first of some times, which ascend, have the same leading digits, or have none.
size_t CountAlike(std::span<const Timestamp> timestamps) {
  const int64_t leading = std::max<int64_t>(ToMs(timestamps.front()) / kLeadingMs, 0);
  const auto is_alike = [&](Timestamp time) {
    return ToMs(time) - leading * kLeadingMs < kLeadingMs;
  };
  if (is_alike(timestamps.back())) return timestamps.size();
  const auto end = std::ranges::partition_point(timestamps, is_alike);
  return static_cast<size_t>(end - timestamps.begin());
}

}  // namespace

void JsonWriter::Open(char bracket) {
  Separate();
  out_ += bracket;
  after_value_ = false;
}

void JsonWriter::Close(char bracket) {
  out_ += bracket;
  after_value_ = true;
}

void JsonWriter::Key(std::string_view name) {
  String(name);
  out_ += ':';
  after_value_ = false;
}

void JsonWriter::String(std::string_view text) {
  Separate();
  AppendText(out_, text, true);
  after_value_ = true;
}

void JsonWriter::Int(int64_t value) { Raw(fmt::format_int(value).c_str()); }

void JsonWriter::Number(double value) {
  if (!std::isfinite(value)) return Null();
  std::string text = NeedsExponent(value) ? FormatShortest(value) : FormatValue(value);
  const size_t size = text.size();  // 1e-07 is 1e-7 in Go's JSON
  if (size >= 4 && text[size - 4] == 'e' && text[size - 3] == '-' && text[size - 2] == '0')
    text.erase(size - 2, 1);
  Raw(text);
}

void JsonWriter::LabelSet(const Labels& labels) {
  BeginObject();
  if (AppendPlainLabels(out_, labels)) return EndObject();
  for (const auto& [name, value] : labels) {
    Separate();
    AppendText(out_, name, false);
    out_ += ':';
    AppendText(out_, value, false);
    after_value_ = true;
  }
  EndObject();
}

// As AppendSeconds. The samples of a series are near each other: nearly all have the same digits
// but for the last four of their seconds.
char* JsonWriter::WriteSeconds(char* out, int64_t timestamp_ms) {
  if (timestamp_ms < kLeadingMs) {
    std::string text;
    AppendSeconds(text, timestamp_ms);
    return std::ranges::copy(text, out).out;
  }
  FindLeading(timestamp_ms / kLeadingMs);
  std::ranges::copy(leading_digits_, out);
  return WriteLastSeconds(out + leading_size_,
                          SplitDigits(static_cast<uint32_t>(timestamp_ms % kLeadingMs)));
}

void JsonWriter::FindLeading(int64_t leading) {
  if (leading == leading_) return;
  char* const first = leading_digits_.data();
  leading_ = leading;
  leading_size_ = static_cast<size_t>(
      std::to_chars(first, first + leading_digits_.size(), leading).ptr - first);
}

char* JsonWriter::WriteSample(char* out, int64_t timestamp_ms, double value) {
  *out++ = '[';
  out = WriteSeconds(out, timestamp_ms);
  *out++ = ',';
  out = WriteQuotedValue(out, value);
  *out++ = ']';
  return out;
}

void JsonWriter::Sample(int64_t timestamp_ms, double value) {
  Separate();
  std::array<char, kMaxSampleSize> text;
  out_.append(text.data(), WriteSample(text.data(), timestamp_ms, value));
  after_value_ = true;
}

// Of many samples whose seconds have the same leading digits, each with a comma behind it.
char* JsonWriter::WriteSamples(char* out, std::span<const Timestamp> timestamps,
                               std::span<const double> values) {
  const int64_t leading = ToMs(timestamps.front()) / kLeadingMs;
  if (leading < 1) {
    for (size_t i = 0; i < values.size(); ++i) {
      out = WriteSample(out, ToMs(timestamps[i]), values[i]);
      *out++ = ',';
    }
    return out;
  }
  ShortDecimals decimals;
  decimals.Split(values);
  std::array<uint32_t, kSamplesAtOnce> millis;
  std::array<uint64_t, kSamplesAtOnce> digits;
  for (size_t i = 0; i < values.size(); ++i) {
    millis[i] = static_cast<uint32_t>(ToMs(timestamps[i]) - leading * kLeadingMs);
  }
  SplitAll({millis.data(), values.size()}, digits);
  FindLeading(leading);
  std::array<char, 1 + kMaxLeadingSize> begin = {'['};
  std::ranges::copy(leading_digits_, begin.begin() + 1);
  for (size_t i = 0; i < values.size(); ++i) {
    std::ranges::copy(begin, out);  // all of it: faster than as many as there are
    out = WriteLastSeconds(out + 1 + leading_size_, digits[i]);
    out = Write(out, ",\"");
    out = decimals.is_short(i)       ? decimals.Write(out, i)
          : NeedsExponent(values[i]) ? std::ranges::copy(FormatShortest(values[i]), out).out
                                     : WriteLongValue(out, values[i]);
    out = Write(out, "\"],");
  }
  return out;
}

void JsonWriter::SampleArray(std::span<const Timestamp> timestamps,
                             std::span<const double> values) {
  BeginArray();
  for (std::span<const Timestamp> left = timestamps; !left.empty();) {
    const size_t begin = timestamps.size() - left.size();
    const size_t count = CountAlike(left.first(std::min(left.size(), kSamplesAtOnce)));
    const size_t before = out_.size();
    out_.resize_and_overwrite(before + count * kMaxSampleSize, [&](char* all, size_t) {
      return WriteSamples(all + before, left.first(count), values.subspan(begin, count)) - all;
    });
    left = left.subspan(count);
  }
  if (!timestamps.empty()) out_.pop_back();  // the last comma
  EndArray();
}

void JsonWriter::Seconds(int64_t timestamp_ms) {
  Separate();
  AppendSeconds(out_, timestamp_ms);
  after_value_ = true;
}

void JsonWriter::SampleValue(double value) {
  Separate();
  std::array<char, kMaxSampleSize> text;
  out_.append(text.data(), WriteQuotedValue(text.data(), value));
  after_value_ = true;
}

void JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
  after_value_ = true;
}

void JsonWriter::Continue(std::vector<std::string> pieces) {
  if (pieces.empty()) return;
  Separate();
  before_.push_back(std::exchange(out_, {}));
  std::ranges::move(pieces, std::back_inserter(before_));
  after_value_ = true;
}

std::string JsonWriter::Take() {
  if (before_.empty()) return std::move(out_);
  std::string all;
  for (const std::string& piece : TakePieces()) all += piece;
  return all;
}

std::vector<std::string> JsonWriter::TakePieces() {
  before_.push_back(std::exchange(out_, {}));
  return std::exchange(before_, {});
}

}  // namespace barograph::web
