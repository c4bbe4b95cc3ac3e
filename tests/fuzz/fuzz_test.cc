// Usage: fuzz_test [TARGET [MUTATIONS]]
//
// Puts good inputs, and then the same few thousand mutations of them each time, to every fuzz
// target: so that none of them stops building, or finds at once what was mended before. It looks
// for nothing new; the programs of the preset `fuzz` do.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz_targets.h"

namespace barograph::fuzz {
namespace {

constexpr size_t kMutations = 2000;
constexpr size_t kLongest = 16 * 1024;

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, uint64_t seed)
      : seeds_(std::move(seeds)), random_(seed) {}

  std::string Next() {
    std::string input = seeds_[random_() % seeds_.size()];
    for (uint64_t changes = 1 + random_() % 6; changes > 0; --changes) Change(input);
    input.resize(std::min(input.size(), kLongest));
    return input;
  }

 private:
  void Change(std::string& input) {
    const size_t at = Place(input);
    switch (random_() % 8) {
      case 0: input.insert(at, 1, static_cast<char>(random_())); break;
      case 1: input.insert(at, input.substr(Place(input), random_() % 32)); break;
      case 2: input.erase(at, 1 + random_() % 8); break;
      case 3: input.resize(at); break;
      case 4: Splice(input, at); break;
      default: Overwrite(input, at);
    }
  }

  void Overwrite(std::string& input, size_t at) {
    constexpr std::string_view kOdd("\x00\x01\x7f\x80\xfe\xff{}\"\\\n0", 12);
    if (at == input.size()) return;
    const char old = input[at];
    const char choices[] = {static_cast<char>(old ^ (1 << random_() % 8)),
                            static_cast<char>(old + 1), static_cast<char>(random_()),
                            kOdd[random_() % kOdd.size()]};
    input[at] = choices[random_() % std::size(choices)];
  }

  // Goes on as another seed does.
  void Splice(std::string& input, size_t at) {
    const std::string& other = seeds_[random_() % seeds_.size()];
    input.replace(at, std::string::npos, other, Place(other));
  }

  size_t Place(const std::string& input) { return random_() % (input.size() + 1); }

  const std::vector<std::string> seeds_;
  std::mt19937_64 random_;
};

void Run(const Target& target, size_t mutations) {
  const auto put = [&](const std::string& input) {
    target.run(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  };
  const std::vector<std::string> seeds = target.seeds();
  for (const std::string& seed : seeds) put(seed);
  put("");
  Mutator mutator(seeds, 1);
  for (size_t i = 0; i < mutations; ++i) put(mutator.Next());
  std::printf("%.*s: %zu good inputs, %zu mutations\n", static_cast<int>(target.name.size()),
              target.name.data(), seeds.size(), mutations);
  std::fflush(stdout);
}

}  // namespace
}  // namespace barograph::fuzz

int main(int argc, char** argv) {
  using namespace barograph::fuzz;
  const std::string_view only = argc > 1 ? argv[1] : "";
  const size_t mutations = argc > 2 ? std::stoul(argv[2]) : kMutations;
  bool found = false;
  for (const Target& target : kTargets) {
    if (!only.empty() && only != target.name) continue;
    Run(target, mutations);
    found = true;
  }
  if (!found) std::fprintf(stderr, "fuzz_test: there is no target %s\n", argv[1]);
  return found ? 0 : 1;
}
