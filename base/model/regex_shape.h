#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What can be known of a regular expression without running one: whether it is only a set of
/// strings, or only literals with .* and .+ between, and what every match starts with. Label
/// matchers are nearly always of these forms.
namespace barograph {

/// Literals with the wildcards .* and .+ between, before and after them, such as foo.*bar.+ .
class Glob {
 public:
  void AddLiteral(std::string_view text);

  /// `at_least_one`: .+ and not .*. False when the glob cannot express it (.+.+).
  bool AddWildcard(bool at_least_one);

  bool is_literal() const { return pieces_.empty(); }
  /// What stands before the first wildcard: all of a literal.
  const std::string& head() const { return head_; }

  size_t size_bytes() const;

  /// Whether all of `text` fits. Bytes that are not UTF-8 count as characters.
  bool Matches(std::string_view text) const;

 private:
  // A wildcard of at least `gap` bytes, then a literal.
  struct Piece {
    size_t gap = 0;
    std::string literal;
  };

  std::string head_;
  std::vector<Piece> pieces_;
};

struct RegexShape {
  /// The pattern is any one of these. Empty when it is not of that form, or of too many.
  std::vector<Glob> alternatives;

  /// What every match starts with.
  std::string prefix;
};

/// The shape of a pattern that RE2 accepts, with . matching new lines and the pattern anchored at
/// both ends. Understands the plain part of the syntax, case-sensitive; any other pattern gives
/// the empty shape, which says nothing.
RegexShape AnalyzeRegex(std::string_view pattern);

}  // namespace barograph
