#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// Anchored regular expressions, as matchers and relabelling use them: ^(?s:pattern)$. The syntax
/// is Go's (https://golang.org/s/re2syntax), without \C. Plain text, alternations of it, and
/// literals with .* and .+ between them are answered without the regex engine. Bytes that are not
/// UTF-8 are matched as Go's regexp does: each is one character U+FFFD.
namespace barograph {

/// Immutable and thread-safe.
class Regex {
 public:
  /// InvalidArgument with Go's message when `pattern` does not compile: error parsing regexp:
  /// missing closing ): `a(b`.
  static Result<std::unique_ptr<const Regex>> Compile(std::string_view pattern);
  ~Regex();

  bool Matches(std::string_view text) const;

  /// The expansion of `rewrite` ($1, ${1}, ${name}, $$; Go's regexp.Expand) over the match of the
  /// whole of `text`, or nullopt when there is no match.
  std::optional<std::string> Expand(std::string_view text, std::string_view rewrite) const;

  /// When the pattern is a finite set of strings (case-sensitive literals and alternations, up to
  /// a few hundred), that set, sorted; else empty. An index answers it by look-ups.
  const std::vector<std::string>& set_matches() const { return set_matches_; }

  /// A literal that every matching text starts with; may be empty.
  const std::string& prefix() const { return prefix_; }

  const std::string& pattern() const { return pattern_; }

 private:
  struct Impl;
  Regex(std::string_view pattern, std::unique_ptr<Impl> impl);

  std::string pattern_;
  std::vector<std::string> set_matches_;
  std::string prefix_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace barograph
