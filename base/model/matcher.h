#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/regex.h"
#include "base/result.h"

/// Label matchers: the {name="value", name=~"regex"} of a selector.
namespace barograph {

enum class MatchType : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

/// The operator as written: = != =~ !~.
std::string_view ToString(MatchType type);

/// Decides on one label. A label that a series lacks has the empty value. Immutable; copies share
/// the compiled regular expression; thread-safe.
class Matcher {
 public:
  /// InvalidArgument when a regular expression does not compile: Regex::Compile's message.
  static Result<Matcher> Make(MatchType type, std::string name, std::string value);

  /// An equality matcher, which cannot fail.
  static Matcher Equal(std::string name, std::string value);

  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const { return Matches(""); }

  MatchType type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }  ///< the literal or the pattern

  /// The compiled pattern of kRegex and kNotRegex, else nullptr.
  const Regex* regex() const { return regex_.get(); }

  /// As in a selector: name="value", quoted as Go's %q quotes; so is a name that is not a legacy
  /// one.
  std::string ToString() const;

  bool operator==(const Matcher& other) const {
    return type_ == other.type_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  Matcher(MatchType type, std::string name, std::string value, std::shared_ptr<const Regex> regex)
      : type_(type), name_(std::move(name)), value_(std::move(value)), regex_(std::move(regex)) {}

  MatchType type_;
  std::string name_;
  std::string value_;
  std::shared_ptr<const Regex> regex_;
};

using Matchers = std::vector<Matcher>;

/// Whether every matcher accepts `labels`.
bool MatchesAll(const Matchers& matchers, const Labels& labels);

}  // namespace barograph
