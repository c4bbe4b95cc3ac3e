#pragma once

#include <fmt/format.h>

#include <string>

#include "base/model/number.h"
#include "server/scrape/exposition.h"

namespace barograph::test {

/// A page as one line an entry, up to its end or its error.
inline std::string DumpPage(server::ExpositionParser& parser) {
  using server::Entry;
  std::string out;
  for (;;) {
    const auto entry = parser.Next();
    if (!entry) return out + "error: " + entry.error().message;
    switch (*entry) {
      case Entry::kEnd: return out;
      case Entry::kHelp: out += fmt::format("help {} {}\n", parser.family(), parser.text()); break;
      case Entry::kUnit: out += fmt::format("unit {} {}\n", parser.family(), parser.text()); break;
      case Entry::kType:
        out += fmt::format("type {} {}\n", parser.family(), ToString(parser.type()));
        break;
      case Entry::kComment: out += fmt::format("comment {}\n", parser.text()); break;
      case Entry::kSeries: {
        const auto labels = parser.labels();
        if (!labels) return out + "error: " + labels.error().message;
        out += fmt::format("{} {}", labels->ToString(), FormatValue(parser.value()));
        if (parser.has_timestamp()) out += fmt::format(" at {}", parser.timestamp_ms());
        if (const auto exemplar = parser.exemplar()) {
          out += fmt::format(" # {} {}", exemplar->labels.ToString(), FormatValue(exemplar->value));
        }
        out += '\n';
        break;
      }
    }
  }
}

}  // namespace barograph::test
