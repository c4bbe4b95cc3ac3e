#include "server/cli/query_output.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/model/labels.h"

namespace barograph::server::cli {
namespace {

namespace json = boost::json;

Labels ReadLabels(const json::object& metric) {
  LabelsBuilder labels;
  for (const auto& [name, value] : metric) labels.Set(name, std::string(value.as_string()));
  return labels.Build();
}

/// [1435781451.781,"1"] as `1 @[1435781451.781]`.
std::string FormatPoint(const json::value& point) {
  const json::array& pair = point.as_array();
  const std::string time = pair.at(0).is_double() ? fmt::format("{:.3f}", pair.at(0).as_double())
                                                  : json::serialize(pair.at(0));
  const json::value& value = pair.at(1);
  const std::string text =
      value.is_string() ? std::string(value.as_string()) : json::serialize(value);
  return fmt::format("{} @[{}]", text, time);
}

std::string FormatSeries(const json::object& series) {
  const std::string name = ReadLabels(series.at("metric").as_object()).ToString();
  for (const char* single : {"value", "histogram"}) {
    if (series.contains(single)) {
      return fmt::format("{} => {}\n", name, FormatPoint(series.at(single)));
    }
  }
  std::string out = name + " =>\n";
  for (const char* many : {"values", "histograms"}) {
    if (!series.contains(many)) continue;
    for (const json::value& point : series.at(many).as_array()) out += FormatPoint(point) + "\n";
  }
  return out;
}

std::string FormatQueryResult(const json::object& data) {
  const std::string type(data.at("resultType").as_string());
  const json::value& result = data.at("result");
  if (type == "scalar" || type == "string") {
    return fmt::format("{}: {}\n", type, FormatPoint(result));
  }
  std::string out;
  for (const json::value& series : result.as_array()) out += FormatSeries(series.as_object());
  return out;
}

std::string FormatList(const json::array& items) {
  std::string out;
  for (const json::value& item : items) {
    out +=
        item.is_object() ? ReadLabels(item.as_object()).ToString() : std::string(item.as_string());
    out += '\n';
  }
  return out;
}

}  // namespace

Result<std::string> FormatAnswer(std::string_view body, bool as_json) {
  try {
    const json::value answer = json::parse(json::string_view(body.data(), body.size()));
    const json::object& envelope = answer.as_object();
    if (envelope.at("status").as_string() != "success") {
      return Fail(ErrorCode::kExecution,
                  fmt::format("{}: {}", std::string(envelope.at("errorType").as_string()),
                              std::string(envelope.at("error").as_string())));
    }
    const json::value& data = envelope.at("data");
    const bool is_plan = data.is_object() && data.as_object().contains("plan");
    if (as_json) {
      const char* const what = is_plan ? "plan" : "result";
      return json::serialize(data.is_object() ? data.at(what) : data) + "\n";
    }
    if (is_plan) return std::string(data.at("text").as_string());
    return data.is_object() ? FormatQueryResult(data.as_object()) : FormatList(data.as_array());
  } catch (const std::exception&) {
    static constexpr size_t kShown = 200;
    return Fail(
        ErrorCode::kCorruption,
        fmt::format("the server's answer is not that of the API: {}", body.substr(0, kShown)));
  }
}

}  // namespace barograph::server::cli
