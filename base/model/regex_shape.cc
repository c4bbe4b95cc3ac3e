#include "base/model/regex_shape.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/bytes/utf8.h"

namespace barograph {
namespace {

constexpr size_t kMaxLiterals = 1000;           // alternatives of a set of strings
constexpr size_t kMaxGlobs = 16;                // beyond that, the regex engine is faster
constexpr size_t kMaxClassSize = 64;            // characters of a class that is taken apart
constexpr int kMaxDepth = 50;                   // of groups
constexpr size_t kMaxExpansionBytes = 1 << 20;  // written or copied on the way to all alternatives

struct Node {
  enum class Kind : uint8_t {
    kLiteral,    // text
    kAnyChar,    // .
    kAny,        // .*
    kSome,       // .+
    kConcat,     // children, one after another
    kAlternate,  // one of the children
    kOpaque,     // something else
  };
  Kind kind = Kind::kOpaque;
  std::string text;
  std::vector<Node> children;

  static Node Literal(std::string_view text) { return {Kind::kLiteral, std::string(text), {}}; }
  static Node Of(Kind kind) { return {kind, {}, {}}; }
};

bool IsAsciiPunctuation(char c) {
  return c > ' ' && c < 0x7f && std::isalnum(static_cast<unsigned char>(c)) == 0;
}

// Reads a pattern into nodes. Sets failed() where it meets syntax that it does not know and that
// may change the meaning of what stands around it.
class ShapeParser {
 public:
  explicit ShapeParser(std::string_view pattern) : rest_(pattern) {}

  Node Parse() {
    Node node = ParseAlternate(0);
    if (!rest_.empty()) failed_ = true;
    return node;
  }
  bool failed() const { return failed_; }

 private:
  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  Node Fail() {
    failed_ = true;
    rest_ = {};
    return {};
  }

  Node ParseAlternate(int depth) {
    if (depth > kMaxDepth) return Fail();
    Node node = ParseConcat(depth);
    if (!rest_.starts_with('|')) return node;
    Node alternate = Node::Of(Node::Kind::kAlternate);
    alternate.children.push_back(std::move(node));
    while (Take("|")) alternate.children.push_back(ParseConcat(depth));
    return alternate;
  }

  Node ParseConcat(int depth) {
    Node concat = Node::Of(Node::Kind::kConcat);
    // The whole is anchored already: an anchor at an end of a top branch adds nothing.
    while (depth == 0 && Take("^")) {
    }
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      if (depth == 0 && rest_[0] == '$' && (rest_.size() == 1 || rest_[1] == '|')) {
        rest_.remove_prefix(1);
        break;
      }
      Node atom = ParseAtom(depth);
      Append(concat.children, ParseRepetition(std::move(atom)));
    }
    return concat;
  }

  static void Append(std::vector<Node>& children, Node node) {
    const bool both_literal = !children.empty() && node.kind == Node::Kind::kLiteral &&
                              children.back().kind == Node::Kind::kLiteral;
    if (both_literal) {
      children.back().text += node.text;
    } else {
      children.push_back(std::move(node));
    }
  }

  Node ParseAtom(int depth) {
    switch (rest_[0]) {
      case '(': return ParseGroup(depth);
      case '[': return ParseClass();
      case '\\': return ParseEscape();
      case '.': rest_.remove_prefix(1); return Node::Of(Node::Kind::kAnyChar);
      case '^':
      case '$': rest_.remove_prefix(1); return {};
      case '*':
      case '+':
      case '?':
      case '{': return Fail();
      default: return Node::Literal(TakeCharacter());
    }
  }

  std::string_view TakeCharacter() {
    const std::string_view character = rest_.substr(0, DecodeRune(rest_).size);
    rest_.remove_prefix(character.size());
    return character;
  }

  Node ParseGroup(int depth) {
    if (Take("(?s)")) return Node::Literal("");
    if (!Take("(?:") && !Take("(?s:")) {
      if (Take("(?P<") || Take("(?<")) {
        const size_t name_end = rest_.find('>');
        if (name_end == std::string_view::npos) return Fail();
        rest_.remove_prefix(name_end + 1);
      } else if (rest_.starts_with("(?")) {
        return Fail();
      } else {
        rest_.remove_prefix(1);
      }
    }
    Node node = ParseAlternate(depth + 1);
    if (!Take(")")) return Fail();
    return node;
  }

  Node ParseEscape() {
    if (rest_.size() < 2) return Fail();
    const char c = rest_[1];
    rest_.remove_prefix(2);
    if (IsAsciiPunctuation(c)) return Node::Literal({&c, 1});
    switch (c) {
      case 'n': return Node::Literal("\n");
      case 't': return Node::Literal("\t");
      case 'r': return Node::Literal("\r");
      case 'd':
      case 'D':
      case 's':
      case 'S':
      case 'w':
      case 'W':
      case 'b':
      case 'B': return {};
      default: return Fail();
    }
  }

  // A class of few plain characters becomes an alternation of them.
  Node ParseClass() {
    const size_t end = FindClassEnd();
    if (end == std::string_view::npos) return Fail();
    std::string_view members = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    Node node = Node::Of(Node::Kind::kAlternate);
    if (members.starts_with('^') || members.find_first_of("[\\") != std::string_view::npos) {
      return {};
    }
    while (!members.empty()) {
      const char32_t low = TakeMember(members);
      char32_t high = low;
      if (members.size() > 1 && members[0] == '-') {
        members.remove_prefix(1);
        high = TakeMember(members);
      }
      for (char32_t c = low; c <= high; ++c) {
        if (node.children.size() == kMaxClassSize || c == kReplacementRune) return {};
        node.children.push_back(Node::Literal(""));
        AppendRune(node.children.back().text, c);
      }
    }
    return node;
  }

  static char32_t TakeMember(std::string_view& members) {
    const Rune rune = DecodeRune(members);
    members.remove_prefix(rune.size);
    return rune.code;
  }

  // Where the class that starts at rest_ has its closing bracket.
  size_t FindClassEnd() const {
    size_t at = rest_.starts_with("[^") ? 2 : 1;
    if (rest_.substr(at).starts_with(']')) ++at;
    while (at < rest_.size() && rest_[at] != ']') {
      if (rest_[at] == '\\') {
        at += 2;
        continue;
      }
      const size_t named_end =
          rest_.substr(at).starts_with("[:") ? rest_.find(":]", at + 2) : std::string_view::npos;
      at = named_end == std::string_view::npos ? at + 1 : named_end + 2;
    }
    return at < rest_.size() ? at : std::string_view::npos;
  }

  Node ParseRepetition(Node atom) {
    if (rest_.empty() || !std::string_view("*+?{").contains(rest_[0])) return atom;
    const char operation = rest_[0];
    if (operation == '{') return Fail();
    rest_.remove_prefix(1);
    Take("?");  // lazy: it matches the same texts
    if (operation == '?') {
      Node optional = Node::Of(Node::Kind::kAlternate);
      optional.children.push_back(std::move(atom));
      optional.children.push_back(Node::Literal(""));
      return optional;
    }
    if (atom.kind != Node::Kind::kAnyChar) return {};
    return Node::Of(operation == '*' ? Node::Kind::kAny : Node::Kind::kSome);
  }

  std::string_view rest_;
  bool failed_ = false;
};

// Spreads nodes out into alternatives: (a|b)c.* is ac.* or bc.*.
class Expander {
 public:
  // Puts each alternative of `node` after each of `globs`. False when there is no such form or
  // there are too many.
  bool Expand(const Node& node, std::vector<Glob>& globs) {
    switch (node.kind) {
      case Node::Kind::kLiteral:
        for (Glob& glob : globs) glob.AddLiteral(node.text);
        return Spend(globs.size() * node.text.size());
      case Node::Kind::kAny:
      case Node::Kind::kSome:
        return Spend(globs.size()) && std::ranges::all_of(globs, [&](Glob& glob) {
                 return glob.AddWildcard(node.kind == Node::Kind::kSome);
               });
      case Node::Kind::kConcat:
        return std::ranges::all_of(node.children,
                                   [&](const Node& child) { return Expand(child, globs); });
      case Node::Kind::kAlternate: return ExpandAlternate(node, globs);
      case Node::Kind::kAnyChar:
      case Node::Kind::kOpaque: return false;
    }
    return false;
  }

 private:
  bool ExpandAlternate(const Node& node, std::vector<Glob>& globs) {
    const size_t copies = globs.size() * node.children.size();
    if (copies > kMaxLiterals || !Spend(Bytes(globs) * node.children.size())) return false;
    std::vector<Glob> all;
    for (const Node& child : node.children) {
      std::vector<Glob> branch = globs;
      if (!Expand(child, branch) || all.size() + branch.size() > kMaxLiterals) return false;
      std::ranges::move(branch, std::back_inserter(all));
    }
    globs = std::move(all);
    return true;
  }

  bool Spend(size_t bytes) {
    spent_bytes_ += bytes;
    return spent_bytes_ <= kMaxExpansionBytes;
  }

  static size_t Bytes(const std::vector<Glob>& globs) {
    return std::transform_reduce(globs.begin(), globs.end(), size_t{0}, std::plus<>(),
                                 [](const Glob& glob) { return glob.size_bytes(); });
  }

  size_t spent_bytes_ = 0;
};

bool CollectPrefix(const Node& node, std::string& prefix);

bool CollectCommonPrefix(const std::vector<Node>& branches, std::string& prefix) {
  std::string common;
  bool exact = true;
  for (size_t i = 0; i < branches.size(); ++i) {
    std::string branch;
    exact = CollectPrefix(branches[i], branch) && exact && (i == 0 || branch == common);
    if (i == 0) common = branch;
    common.erase(std::ranges::mismatch(common, branch).in1, common.end());
  }
  prefix += common;
  return exact;
}

// Appends to `prefix` what each match of `node` starts with; true when that is all there is, so
// that what follows `node` follows the prefix.
bool CollectPrefix(const Node& node, std::string& prefix) {
  switch (node.kind) {
    case Node::Kind::kLiteral: prefix += node.text; return true;
    case Node::Kind::kConcat:
      return std::ranges::all_of(node.children,
                                 [&](const Node& child) { return CollectPrefix(child, prefix); });
    case Node::Kind::kAlternate: return CollectCommonPrefix(node.children, prefix);
    default: return false;
  }
}

}  // namespace

void Glob::AddLiteral(std::string_view text) {
  (pieces_.empty() ? head_ : pieces_.back().literal) += text;
}

bool Glob::AddWildcard(bool at_least_one) {
  const size_t gap = at_least_one ? 1 : 0;
  if (pieces_.empty() || !pieces_.back().literal.empty()) {
    pieces_.push_back({.gap = gap, .literal = {}});
    return true;
  }
  // Two in a row: one character may be more than one byte, so .+.+ is not a gap of two.
  if (gap == 1 && pieces_.back().gap == 1) return false;
  pieces_.back().gap |= gap;
  return true;
}

size_t Glob::size_bytes() const {
  size_t bytes = head_.size();
  for (const Piece& piece : pieces_) bytes += piece.literal.size() + 1;
  return bytes;
}

// Taking each literal at its first place is right: it leaves the most text for what follows. Only
// the last is bound to the end. A literal starts and ends where characters do, so gaps may be
// counted in bytes.
bool Glob::Matches(std::string_view text) const {
  if (pieces_.empty()) return text == head_;
  if (!text.starts_with(head_)) return false;
  size_t at = head_.size();
  for (size_t i = 0; i + 1 < pieces_.size(); ++i) {
    const size_t found = text.find(pieces_[i].literal, at + pieces_[i].gap);
    if (found == std::string_view::npos) return false;
    at = found + pieces_[i].literal.size();
  }
  const Piece& last = pieces_.back();
  return text.size() >= at + last.gap + last.literal.size() && text.ends_with(last.literal);
}

RegexShape AnalyzeRegex(std::string_view pattern) {
  RegexShape shape;
  // U+FFFD in a pattern also matches bytes that are not UTF-8, which no comparison of bytes does.
  if (pattern.contains(kReplacementText)) return shape;
  ShapeParser parser(pattern);
  const Node root = parser.Parse();
  if (parser.failed()) return shape;
  CollectPrefix(root, shape.prefix);
  std::vector<Glob> globs(1);
  if (!Expander().Expand(root, globs)) return shape;
  if (globs.size() <= kMaxGlobs || std::ranges::all_of(globs, &Glob::is_literal)) {
    shape.alternatives = std::move(globs);
  }
  return shape;
}

}  // namespace barograph
