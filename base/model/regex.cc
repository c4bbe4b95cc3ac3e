#include "base/model/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/bytes/utf8.h"
#include "base/model/regex_shape.h"

namespace barograph {
namespace {

using re2::StringPiece;

// Bounds the program and the automata of one expression, about as Go bounds its own.
constexpr int64_t kMaxMemoryBytes = 32 << 20;

StringPiece ToPiece(std::string_view text) { return {text.data(), text.size()}; }

RE2::Options MakeOptions() {
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemoryBytes);
  return options;
}

// Go's words for what RE2 refuses.
std::string_view ErrorText(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape: return "invalid escape sequence";
    case RE2::ErrorBadCharClass: return "invalid character class";
    case RE2::ErrorBadCharRange: return "invalid character class range";
    case RE2::ErrorMissingBracket: return "missing closing ]";
    case RE2::ErrorMissingParen: return "missing closing )";
    case RE2::ErrorUnexpectedParen: return "unexpected )";
    case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize: return "invalid repeat count";
    case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8: return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture: return "invalid named capture";
    case RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
  }
}

std::string ErrorMessage(const RE2& re2) {
  std::string message = "error parsing regexp: ";
  message += ErrorText(re2.error_code());
  // Go names the place for all but these.
  const bool names_place = re2.error_code() != RE2::ErrorTrailingBackslash &&
                           re2.error_code() != RE2::ErrorPatternTooLarge;
  return message + ": `" + (names_place ? re2.error_arg() : "") + "`";
}

// How many bytes at the start of `pattern` are to be copied as they are, brackets and all: an
// escape, a quotation \Q..\E, or else one byte.
size_t LiteralSize(std::string_view pattern, bool in_class) {
  if (pattern[0] != '\\') return 1;
  if (in_class || !pattern.starts_with("\\Q")) return std::min<size_t>(2, pattern.size());
  const size_t end = pattern.find("\\E");
  return end == std::string_view::npos ? pattern.size() : end + 2;
}

// Go writes a named group as (?<name>) or (?P<name>); this RE2 knows the second only.
std::string ToRe2Syntax(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  while (!pattern.empty()) {
    const bool is_name = pattern.starts_with("(?<") && pattern.size() > 3 && pattern[3] != '=' &&
                         pattern[3] != '!';  // which would look behind: not supported
    if (!in_class && is_name) {
      out += "(?P<";
      pattern.remove_prefix(3);
      continue;
    }
    const size_t size = LiteralSize(pattern, in_class);
    if (size == 1 && !in_class && pattern[0] == '[') {
      in_class = true;
      // A bracket that closes at once is a member.
      const size_t open = pattern.starts_with("[^") ? 2 : 1;
      const size_t first = pattern.substr(open).starts_with(']') ? open + 1 : open;
      out += pattern.substr(0, first);
      pattern.remove_prefix(first);
      continue;
    }
    if (size == 1 && in_class && pattern.starts_with("[:")) {
      const size_t end = std::min(pattern.find(":]"), pattern.size() - 2);
      out += pattern.substr(0, end + 2);
      pattern.remove_prefix(end + 2);
      continue;
    }
    if (size == 1 && pattern[0] == ']') in_class = false;
    out += pattern.substr(0, size);
    pattern.remove_prefix(size);
  }
  return out;
}

// A text in which every byte that is not UTF-8 is U+FFFD, and the way back.
class RepairedText {
 public:
  explicit RepairedText(std::string_view original) : original_(original) {
    while (!original.empty()) {
      const Rune rune = DecodeRune(original);
      if (!rune.valid) repaired_at_.push_back(text_.size());
      text_ += rune.valid ? original.substr(0, rune.size) : kReplacementText;
      original.remove_prefix(rune.size);
    }
  }

  std::string_view text() const { return text_; }

  // The original bytes of a piece of text().
  std::string_view Original(StringPiece piece) const {
    const size_t begin = OriginalOffset(static_cast<size_t>(piece.data() - text_.data()));
    const size_t end =
        OriginalOffset(static_cast<size_t>(piece.data() - text_.data()) + piece.size());
    return original_.substr(begin, end - begin);
  }

 private:
  size_t OriginalOffset(size_t offset) const {
    const auto before = std::ranges::lower_bound(repaired_at_, offset) - repaired_at_.begin();
    return offset - static_cast<size_t>(before) * (kReplacementText.size() - 1);
  }

  std::string_view original_;
  std::string text_;
  std::vector<size_t> repaired_at_;  // offsets in text_
};

// The length of the name at the start of `text`: letters, digits and underscores.
size_t NameSize(std::string_view text) {
  static const RE2 kLetterOrDigit("[\\pL\\p{Nd}]");
  size_t size = 0;
  while (size < text.size()) {
    const Rune rune = DecodeRune(text.substr(size));
    const bool ascii_name =
        rune.code == '_' || (rune.code < 0x80 && std::isalnum(static_cast<int>(rune.code)) != 0);
    const bool name = rune.code < 0x80
                          ? ascii_name
                          : RE2::FullMatch(ToPiece(text.substr(size, rune.size)), kLetterOrDigit);
    if (!name) break;
    size += rune.size;
  }
  return size;
}

// What follows a $: a name, perhaps in braces. `name` is empty when it is not well-formed, and
// then nothing is taken from `text`.
std::string_view TakeReference(std::string_view& text) {
  const bool braces = text.starts_with('{');
  const std::string_view inside = text.substr(braces ? 1 : 0);
  const std::string_view name = inside.substr(0, NameSize(inside));
  if (name.empty() || (braces && !inside.substr(name.size()).starts_with('}'))) return {};
  text.remove_prefix(name.size() + (braces ? 2 : 0));
  return name;
}

// The group that a reference means: by number (without leading zeros), else by name; -1 for none.
int GroupOf(std::string_view name, const RE2& re2) {
  const bool number = std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }) &&
                      (name[0] != '0' || name.size() == 1);
  int group = -1;
  if (number) {
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), group);
    return parsed.ec == std::errc() && group <= re2.NumberOfCapturingGroups() ? group : -1;
  }
  const auto& named = re2.NamedCapturingGroups();
  const auto found = named.find(std::string(name));
  return found == named.end() ? -1 : found->second;
}

// Go's regexp.Expand. `group_text(n)` gives the text of a group.
template <typename GroupText>
std::string ExpandTemplate(std::string_view rewrite, const RE2& re2, GroupText group_text) {
  std::string out;
  while (!rewrite.empty()) {
    const size_t dollar = std::min(rewrite.find('$'), rewrite.size());
    out += rewrite.substr(0, dollar);
    rewrite.remove_prefix(dollar);
    if (rewrite.empty()) break;
    rewrite.remove_prefix(1);
    if (rewrite.starts_with('$')) {
      out += '$';
      rewrite.remove_prefix(1);
      continue;
    }
    const std::string_view name = TakeReference(rewrite);
    if (name.empty()) {
      out += '$';  // not a reference: a plain dollar
    } else if (const int group = GroupOf(name, re2); group >= 0) {
      out += group_text(group);
    }
  }
  return out;
}

}  // namespace

struct Regex::Impl {
  explicit Impl(std::string_view pattern) : re2(ToRe2Syntax(pattern), MakeOptions()) {}

  RE2 re2;
  std::vector<Glob> globs;
  bool is_whole_capture = false;  // (.*): relabelling's default
};

Regex::Regex(std::string_view pattern, std::unique_ptr<Impl> impl)
    : pattern_(pattern), impl_(std::move(impl)) {
  RegexShape shape = AnalyzeRegex(pattern);
  prefix_ = std::move(shape.prefix);
  impl_->is_whole_capture = pattern == "(.*)";
  if (!std::ranges::all_of(shape.alternatives, &Glob::is_literal)) {
    impl_->globs = std::move(shape.alternatives);
    return;
  }
  for (const Glob& literal : shape.alternatives) set_matches_.push_back(literal.head());
  std::ranges::sort(set_matches_);
  const auto repeated = std::ranges::unique(set_matches_);
  set_matches_.erase(repeated.begin(), repeated.end());
}

Regex::~Regex() = default;

Result<std::unique_ptr<const Regex>> Regex::Compile(std::string_view pattern) {
  auto impl = std::make_unique<Impl>(pattern);
  if (!impl->re2.ok()) return Fail(ErrorCode::kInvalidArgument, ErrorMessage(impl->re2));
  return std::unique_ptr<const Regex>(new Regex(pattern, std::move(impl)));
}

bool Regex::Matches(std::string_view text) const {
  if (!set_matches_.empty()) {
    return std::ranges::binary_search(set_matches_, text, std::less<>());
  }
  if (!impl_->globs.empty()) {
    return std::ranges::any_of(impl_->globs, [&](const Glob& glob) { return glob.Matches(text); });
  }
  if (!text.starts_with(prefix_)) return false;
  const auto match = [&](std::string_view valid) {
    return impl_->re2.Match(ToPiece(valid), 0, valid.size(), RE2::ANCHOR_BOTH, nullptr, 0);
  };
  return IsValidUtf8(text) ? match(text) : match(RepairedText(text).text());
}

std::optional<std::string> Regex::Expand(std::string_view text, std::string_view rewrite) const {
  const RE2& re2 = impl_->re2;
  const bool plain = !set_matches_.empty() || !impl_->globs.empty();
  if (plain ? !Matches(text) : !text.starts_with(prefix_)) return std::nullopt;
  if (impl_->is_whole_capture || (plain && re2.NumberOfCapturingGroups() == 0)) {
    return ExpandTemplate(rewrite, re2, [&](int) { return text; });
  }
  std::vector<StringPiece> groups(static_cast<size_t>(re2.NumberOfCapturingGroups()) + 1);
  const auto match = [&](std::string_view valid) {
    return re2.Match(ToPiece(valid), 0, valid.size(), RE2::ANCHOR_BOTH, groups.data(),
                     static_cast<int>(groups.size()));
  };
  const auto group = [&](int n) { return groups[static_cast<size_t>(n)]; };
  if (IsValidUtf8(text)) {
    if (!match(text)) return std::nullopt;
    return ExpandTemplate(
        rewrite, re2, [&](int n) { return std::string_view(group(n).data(), group(n).size()); });
  }
  const RepairedText repaired(text);
  if (!match(repaired.text())) return std::nullopt;
  return ExpandTemplate(rewrite, re2, [&](int n) {
    return group(n).data() == nullptr ? std::string_view() : repaired.Original(group(n));
  });
}

}  // namespace barograph
