#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

/// Command-line flags in Prometheus's way: --name=value or --name value, --switch and
/// --no-switch, unknown names refused with a guess at what was meant.
namespace barograph::server::cli {

/// The flags and arguments of one verb. Each is bound to a variable that holds the default and
/// takes the value; the variables must outlive the set.
class FlagSet {
 public:
  FlagSet(std::string_view program, std::string_view description);
  ~FlagSet();

  void Add(std::string_view name, std::string& value, std::string_view help);
  /// A switch; `letter` is a short name, as -r, where it is given.
  void Add(std::string_view name, bool& value, std::string_view help, char letter = '\0');
  void Add(std::string_view name, uint64_t& value, std::string_view help);
  void Add(std::string_view name, double& value, std::string_view help);
  void Add(std::string_view name, Duration& value, std::string_view help);
  /// May be given often; the first one replaces the default.
  void Add(std::string_view name, std::vector<std::string>& values, std::string_view help);
  void AddChoice(std::string_view name, std::string& value, std::vector<std::string> choices,
                 std::string_view help);
  /// Flags that people may have on their command line and that are not there yet: they are
  /// refused by saying so.
  void NotYet(std::vector<std::string> names);
  /// Left out of the help.
  void Hide(std::string_view name);

  /// An argument without a name, required, in calling order.
  void Argument(std::string_view name, std::string& value, std::string_view help);
  /// The same, where it may be left out.
  void OptionalArgument(std::string_view name, std::string& value, std::string_view help);
  /// All that is left, at least one.
  void Arguments(std::string_view name, std::vector<std::string>& values, std::string_view help);

  enum class Asked : uint8_t { kRun, kHelp };
  /// InvalidArgument says what is wrong with the arguments.
  Result<Asked> Parse(const std::vector<std::string>& arguments);

  std::string Help() const;
  /// Every flag's name, without dashes, and value.
  std::map<std::string, std::string> Values() const;
  bool Given(std::string_view name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The one of `names` that is most like `name`, or empty when none is close.
std::string_view ClosestName(std::string_view name, const std::vector<std::string>& names);

}  // namespace barograph::server::cli
