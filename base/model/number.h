#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Sample values, timestamps and quoted text, in the forms that Go's strconv gives them in
/// Prometheus. All functions are thread-safe and independent of the locale.
namespace barograph {

/// A value as an exposition page may write it (Go's strconv.ParseFloat without its hexadecimal
/// and underscore forms): decimal, exponent, Inf, +Inf, -Inf, Infinity, NaN in any case. The
/// whole of `text` must be used. Correctly rounded; NaN gives kNormalNan; what is too small to
/// represent gives 0. What is too large gives nullopt.
std::optional<double> ParseValue(std::string_view text);

/// Go's strconv.FormatFloat(value, 'f', -1, 64): the shortest decimal that reads back the same,
/// never with an exponent; NaN, +Inf, -Inf. The form of values in the HTTP API's JSON.
std::string FormatValue(double value);
void AppendValue(std::string& out, double value);

/// Writes what AppendValue appends into room for kMaxValueSize bytes, and gives where it ends. Who
/// knows that a value's text is shorter needs room for that and kMaxValueSlack bytes: so many
/// behind it may be written, too.
inline constexpr size_t kMaxValueSize = 352;
inline constexpr size_t kMaxValueSlack = 17;
char* WriteValue(char* out, double value);
/// The same, quicker where the value is no decimal of few digits. Precondition: it is not 0.
char* WriteLongValue(char* out, double value);

/// Go's strconv.FormatFloat(value, 'g', -1, 64) (Go's %v): as FormatValue, but with an exponent
/// below 1e-4 and from 1e6 on: 1e+06. The form of le labels, PromQL's printer and exposition.
std::string FormatShortest(double value);
void AppendShortest(std::string& out, double value);

/// A timestamp as the HTTP API writes it: seconds, with three decimals where they are not zero.
void AppendSeconds(std::string& out, int64_t ms);

/// Text in double quotes as Go's strconv.Quote writes it: \n, \t, \", \\, \x.. for bytes that
/// are not UTF-8 and \u.... for what does not print.
std::string Quote(std::string_view text);
void AppendQuoted(std::string& out, std::string_view text);

}  // namespace barograph
