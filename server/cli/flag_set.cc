#include "server/cli/flag_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "base/model/duration.h"
#include "base/model/number.h"

namespace barograph::server::cli {
namespace {

/// How many letters must change to make one text of the other (Levenshtein).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

struct FlagSet::Impl {
  using Apply = std::function<Status(const std::string& text)>;

  CLI::App app;
  std::string program;
  std::map<std::string, std::function<std::string()>, std::less<>> shown;  // flag to its value
  std::vector<std::string> not_yet;
  std::optional<Error> error;  // the first value that did not fit

  CLI::Option* Option(const std::string& spelled, std::string_view help, Apply apply) {
    return app.add_option_function<std::string>(
        spelled, [this, spelled, apply](const std::string& text) { Keep(spelled, apply(text)); },
        std::string(help));
  }

  void Keep(const std::string& spelled, Status status) {
    if (status || error) return;
    error =
        Error{ErrorCode::kInvalidArgument, fmt::format("{}: {}", spelled, status.error().message)};
  }

  void Flag(std::string_view name, std::string_view help, std::string_view type, Apply apply,
            std::function<std::string()> show) {
    CLI::Option* option = Option("--" + std::string(name), help, std::move(apply));
    option->type_name(std::string(type));
    option->default_str(show());
    shown.emplace(name, std::move(show));
  }

  Error Unexpected(const std::vector<std::string>& left) const {
    const auto dashed = std::ranges::find_if(
        left, [](const std::string& arg) { return arg.size() > 1 && arg[0] == '-'; });
    if (dashed == left.end()) {
      return {ErrorCode::kInvalidArgument, "unexpected " + left.front()};
    }
    const std::string name = dashed->substr(0, dashed->find('='));
    if (!name.starts_with("--")) {
      return {ErrorCode::kInvalidArgument, fmt::format("unknown short flag '{}'", name)};
    }
    if (std::ranges::count(not_yet, std::string_view(name).substr(2)) > 0) {
      return {ErrorCode::kInvalidArgument, fmt::format("flag '{}' is not supported yet", name)};
    }
    std::vector<std::string> known;
    for (const auto& [flag, value] : shown) known.push_back(flag);
    const std::string_view close = ClosestName(std::string_view(name).substr(2), known);
    return {ErrorCode::kInvalidArgument,
            fmt::format("unknown long flag '{}'{}", name,
                        close.empty() ? "" : fmt::format(", did you mean '--{}'?", close))};
  }
};

FlagSet::FlagSet(std::string_view program, std::string_view description)
    : impl_(std::make_unique<Impl>()) {
  impl_->program = program;
  impl_->app.description(std::string(description));
  impl_->app.name(std::string(program));
  impl_->app.allow_extras();
  impl_->app.get_formatter()->column_width(34);
}

FlagSet::~FlagSet() = default;

void FlagSet::Add(std::string_view name, std::string& value, std::string_view help) {
  impl_->Flag(
      name, help, "TEXT",
      [&value](const std::string& text) {
        value = text;
        return Status();
      },
      [&value] { return value; });
}

void FlagSet::Add(std::string_view name, bool& value, std::string_view help, char letter) {
  const std::string short_name = letter == '\0' ? "" : fmt::format("-{},", letter);
  impl_->app.add_flag_function(
      fmt::format("{0}--{1},!--no-{1}", short_name, name),
      [&value](int64_t count) { value = count > 0; }, std::string(help));
  impl_->shown.emplace(name, [&value] { return value ? "true" : "false"; });
}

void FlagSet::Add(std::string_view name, uint64_t& value, std::string_view help) {
  impl_->Flag(
      name, help, "NUMBER",
      [&value](const std::string& text) -> Status {
        const std::optional<double> number = ParseValue(text);  // 5e7 is a number too
        if (!number || !(*number >= 0 && *number < 0x1p53) || std::floor(*number) != *number) {
          return Fail(ErrorCode::kInvalidArgument,
                      fmt::format("not a whole number: {}", Quote(text)));
        }
        value = static_cast<uint64_t>(*number);
        return {};
      },
      [&value] { return std::to_string(value); });
}

void FlagSet::Add(std::string_view name, double& value, std::string_view help) {
  impl_->Flag(
      name, help, "NUMBER",
      [&value](const std::string& text) -> Status {
        const std::optional<double> number = ParseValue(text);
        if (!number) return Fail(ErrorCode::kInvalidArgument, "not a number: " + Quote(text));
        value = *number;
        return {};
      },
      [&value] { return FormatShortest(value); });
}

void FlagSet::Add(std::string_view name, Duration& value, std::string_view help) {
  impl_->Flag(
      name, help, "DURATION",
      [&value](const std::string& text) -> Status {
        value = TRY(ParseDuration(text));
        return {};
      },
      [&value] { return FormatDuration(value); });
}

void FlagSet::Add(std::string_view name, std::vector<std::string>& values, std::string_view help) {
  const std::string spelled = "--" + std::string(name);
  CLI::Option* option = impl_->app.add_option_function<std::vector<std::string>>(
      spelled, [&values](const std::vector<std::string>& given) { values = given; },
      std::string(help));
  option->allow_extra_args(false);
  option->type_name("TEXT ...");
  option->default_str(fmt::format("{}", fmt::join(values, ", ")));
  impl_->shown.emplace(name, [&values] { return fmt::format("{}", fmt::join(values, ", ")); });
}

void FlagSet::AddChoice(std::string_view name, std::string& value, std::vector<std::string> choices,
                        std::string_view help) {
  const std::string type = fmt::format("{}", fmt::join(choices, "|"));
  impl_->Flag(
      name, help, type,
      [&value, choices = std::move(choices)](const std::string& text) -> Status {
        if (std::ranges::count(choices, text) == 0) {
          return Fail(
              ErrorCode::kInvalidArgument,
              fmt::format("enum value must be one of {}, got '{}'", fmt::join(choices, ","), text));
        }
        value = text;
        return {};
      },
      [&value] { return value; });
}

void FlagSet::NotYet(std::vector<std::string> names) { impl_->not_yet = std::move(names); }

void FlagSet::Hide(std::string_view name) {
  impl_->app.get_option("--" + std::string(name))->group("");
}

void FlagSet::Argument(std::string_view name, std::string& value, std::string_view help) {
  OptionalArgument(name, value, help);
  impl_->app.get_option(std::string(name))->required();
}

void FlagSet::OptionalArgument(std::string_view name, std::string& value, std::string_view help) {
  impl_
      ->Option(std::string(name), help,
               [&value](const std::string& text) {
                 value = text;
                 return Status();
               })
      ->type_name("");
}

void FlagSet::Arguments(std::string_view name, std::vector<std::string>& values,
                        std::string_view help) {
  impl_->app
      .add_option_function<std::vector<std::string>>(
          std::string(name), [&values](const std::vector<std::string>& given) { values = given; },
          std::string(help))
      ->required()
      ->type_name("...");
}

Result<FlagSet::Asked> FlagSet::Parse(const std::vector<std::string>& arguments) {
  // The library takes its arguments from the back, and reads `--name=` as a name without value.
  std::vector<std::string> reversed;
  for (const std::string& argument : arguments) {
    const bool empty_value = argument.size() > 3 && argument.starts_with("--") &&
                             argument.find('=') == argument.size() - 1;
    reversed.push_back(empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (empty_value) reversed.emplace_back();
  }
  std::ranges::reverse(reversed);
  try {
    impl_->app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return Asked::kHelp;
  } catch (const CLI::ParseError& error) {
    // An unknown flag takes a value with it, which then seems to be missing elsewhere.
    const std::vector<std::string> left = impl_->app.remaining();
    if (!left.empty()) return std::unexpected(impl_->Unexpected(left));
    return Fail(ErrorCode::kInvalidArgument, error.what());
  }
  const std::vector<std::string> left = impl_->app.remaining();
  if (!left.empty()) return std::unexpected(impl_->Unexpected(left));
  if (impl_->error) return std::unexpected(*impl_->error);
  return Asked::kRun;
}

std::string FlagSet::Help() const { return impl_->app.help(); }

std::map<std::string, std::string> FlagSet::Values() const {
  std::map<std::string, std::string> values;
  for (const auto& [name, show] : impl_->shown) values.emplace(name, show());
  return values;
}

bool FlagSet::Given(std::string_view name) const {
  return impl_->app.count("--" + std::string(name)) > 0;
}

std::string_view ClosestName(std::string_view name, const std::vector<std::string>& names) {
  std::string_view closest;
  size_t least = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : names) {
    const size_t distance = EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    closest = candidate;
  }
  return closest;
}

}  // namespace barograph::server::cli
