#include "tests/web/fakes.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "promql/parse/printer.h"

namespace barograph::web::test {
namespace {

class FakeCursor final : public SeriesCursor {
 public:
  FakeCursor(const std::vector<FakeStorage::Stored>& series, TimeRange range)
      : series_(series), range_(range) {}

  Result<SeriesSamples> Read(size_t index) override {
    const auto& series = series_[index];
    const auto begin = std::ranges::lower_bound(series.timestamps, range_.min);
    const auto end = std::ranges::upper_bound(series.timestamps, range_.max);
    const auto first = static_cast<size_t>(begin - series.timestamps.begin());
    const auto count = static_cast<size_t>(std::max<std::ptrdiff_t>(end - begin, 0));
    SeriesSamples samples;
    samples.timestamps = std::span(series.timestamps).subspan(first, count);
    samples.values = std::span(series.values).subspan(first, count);
    return samples;
  }

 private:
  const std::vector<FakeStorage::Stored>& series_;
  TimeRange range_;
};

class FakeSelection final : public Selection {
 public:
  FakeSelection(std::vector<FakeStorage::Stored> series, TimeRange range)
      : series_(std::move(series)), range_(range) {}

  size_t size() const override { return series_.size(); }
  Labels labels(size_t index) const override { return series_[index].labels; }
  SeriesId id(size_t index) const override { return SeriesId(index + 1); }
  std::unique_ptr<SeriesCursor> NewCursor() const override {
    return std::make_unique<FakeCursor>(series_, range_);
  }

 private:
  std::vector<FakeStorage::Stored> series_;
  TimeRange range_;
};

template <typename T>
std::vector<T> Limited(const std::set<T>& items, size_t limit) {
  std::vector<T> list(items.begin(), items.end());
  if (limit > 0 && list.size() > limit) list.resize(limit);
  return list;
}

}  // namespace

void FakeStorage::Add(Labels labels, std::vector<std::pair<int64_t, double>> samples) {
  Stored series{.labels = std::move(labels), .timestamps = {}, .values = {}};
  for (const auto& [ms, value] : samples) {
    series.timestamps.push_back(FromMs(ms));
    series.values.push_back(value);
  }
  series_.push_back(std::move(series));
}

std::vector<FakeStorage::Stored> FakeStorage::Matching(TimeRange range,
                                                       const Matchers& matchers) const {
  std::vector<Stored> found;
  for (const auto& series : series_)
    if (MatchesAll(matchers, series.labels) && series.timestamps.front() <= range.max &&
        range.min <= series.timestamps.back())
      found.push_back(series);
  return found;
}

Result<std::unique_ptr<Selection>> FakeStorage::Select(TimeRange range, const Matchers& matchers,
                                                       const SelectHints&, std::stop_token) const {
  if (failure) return std::unexpected(*failure);
  return std::make_unique<FakeSelection>(Matching(range, matchers), range);
}

Result<std::vector<std::string>> FakeStorage::LabelNames(const LabelQuery& query,
                                                         std::stop_token) const {
  if (failure) return std::unexpected(*failure);
  std::set<std::string> names;
  for (const auto& series : Matching(query.range, query.matchers))
    for (const auto& [name, value] : series.labels) names.emplace(name);
  return Limited(names, query.limit);
}

Result<std::vector<std::string>> FakeStorage::LabelValues(const std::string& name,
                                                          const LabelQuery& query,
                                                          std::stop_token) const {
  if (failure) return std::unexpected(*failure);
  std::set<std::string> values;
  for (const auto& series : Matching(query.range, query.matchers))
    if (series.labels.Has(name)) values.emplace(series.labels.Get(name));
  return Limited(values, query.limit);
}

Result<std::vector<Labels>> FakeStorage::Series(const LabelQuery& query, std::stop_token) const {
  if (failure) return std::unexpected(*failure);
  std::set<Labels> found;
  for (const auto& series : Matching(query.range, query.matchers)) found.insert(series.labels);
  return Limited(found, query.limit);
}

Result<std::vector<ExemplarSeries>> FakeStorage::SelectExemplars(
    TimeRange range, std::span<const Matchers> selectors, std::stop_token) const {
  if (failure) return std::unexpected(*failure);
  exemplars_asked = fmt::format("{} {}", ToMs(range.min), ToMs(range.max));
  for (const Matchers& matchers : selectors) {
    exemplars_asked += " " + promql::PrintMatchers(matchers);
  }
  return exemplars;
}

Status FakeAdmin::DeleteSeries(TimeRange range, const Matchers& matchers) {
  calls.push_back(fmt::format("delete {} {} {}", promql::PrintMatchers(matchers), ToMs(range.min),
                              ToMs(range.max)));
  return {};
}

Web::Web(WebOptions options, bool with_admin) {
  auto handler = MakeHandler(std::move(options), {.storage = storage,
                                                  .exemplars = storage,
                                                  .statistics = storage,
                                                  .engine = engine,
                                                  .queries = queries,
                                                  .state = state,
                                                  .metrics = metrics,
                                                  .query_threads = query_threads_,
                                                  .clock = clock,
                                                  .admin = with_admin ? &admin : nullptr});
  if (!handler) throw std::runtime_error(handler.error().message);
  handler_ = std::move(*handler);
}

net::HttpResponse Web::Send(net::HttpRequest request) {
  std::optional<net::HttpResponse> response;
  boost::asio::co_spawn(context_, handler_(request),
                        [&](std::exception_ptr thrown, net::HttpResponse answer) {
                          if (thrown) std::rethrow_exception(thrown);
                          response = std::move(answer);
                        });
  context_.restart();
  context_.run();
  return std::move(*response);
}

net::HttpResponse Web::Get(const std::string& target) { return Send(MakeRequest("GET", target)); }

net::HttpResponse Web::Post(const std::string& path, const std::string& form) {
  net::HttpRequest request = MakeRequest("POST", path);
  request.headers.Add("Content-Type", "application/x-www-form-urlencoded");
  request.body = form;
  return Send(std::move(request));
}

std::string Web::Ask(const std::string& target) {
  net::HttpResponse response = Get(target);
  return response.status == 200 ? response.body
                                : std::to_string(response.status) + " " + response.body;
}

std::string Web::Data(const std::string& target) {
  constexpr std::string_view kBefore = R"({"status":"success","data":)";
  std::string body = Ask(target);
  if (!body.starts_with(kBefore) || !body.ends_with('}')) return body;
  return body.substr(kBefore.size(), body.size() - kBefore.size() - 1);
}

net::HttpRequest MakeRequest(const std::string& method, const std::string& target) {
  const size_t question = std::min(target.find('?'), target.size());
  net::HttpRequest request;
  request.method = method;
  request.target = target;
  request.remote_address = "10.0.0.7:4321";
  request.path = net::PathDecode(std::string_view(target).substr(0, question));
  if (question < target.size())
    request.query = net::FormValues::Parse(std::string_view(target).substr(question + 1));
  return request;
}

}  // namespace barograph::web::test
