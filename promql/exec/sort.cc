#include "promql/exec/sort.h"

#include "promql/exec/fan_out.h"

#include <algorithm>
#include <cmath>

namespace barograph::promql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The first run of digits, or of anything else, taken off `text`.
std::string_view TakeChunk(std::string_view& text) {
  size_t size = 1;
  while (size < text.size() && IsDigit(text[size]) == IsDigit(text[0])) ++size;
  const std::string_view chunk = text.substr(0, size);
  text.remove_prefix(size);
  return chunk;
}

std::string_view WithoutZeros(std::string_view digits) {
  const size_t zeros = digits.find_first_not_of('0');
  return zeros == std::string_view::npos ? std::string_view() : digits.substr(zeros);
}

// -1, 0, 1: by number where both chunks are digits, else by bytes.
int CompareChunks(std::string_view a, std::string_view b) {
  if (IsDigit(a[0]) && IsDigit(b[0])) {
    a = WithoutZeros(a);
    b = WithoutZeros(b);
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  }
  const int order = a.compare(b);
  return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

}  // namespace

bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const int order = CompareChunks(TakeChunk(a), TakeChunk(b));
    if (order != 0) return order < 0;
  }
  return a.empty() && !b.empty();
}

Sort::Sort(QueryContext& context, Order order, OperatorPtr input)
    : Operator(context, input->grid()), order_(std::move(order)), input_(std::move(input)) {}

Status Sort::Start() {
  if (!grid().instant && steps() > 0) {
    context().main().annotations().SortInRangeQuery(order_.position);
  }
  TRY(input_->Open());
  if (!grid().instant) {
    series_ = input_->series();
    return {};
  }
  std::vector<Item> items;
  Column column;
  TRY(EvaluateEach(context(), context().main(), *input_, AllSeries(*input_), column,
                   [&](Lane&, size_t i, Column& taken) -> Status {
                     if (!order_.by_label) taken.EraseHistograms();
                     if (taken.present(0)) {
                       items.push_back({static_cast<uint32_t>(i), taken.values[0]});
                     }
                     return {};
                   }));
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return order_.by_label ? LabelsBefore(a, b) : ValueBefore(a, b);
  });
  for (const Item& item : items) {
    series_.push_back(input_->series()[item.series]);
    sources_.push_back(item.series);
  }
  return {};
}

bool Sort::ValueBefore(const Item& a, const Item& b) const {
  if (a.value == b.value) return a.series < b.series;
  // Prometheus's order lets each NaN go before those that are there.
  if (std::isnan(a.value) && std::isnan(b.value)) return a.series > b.series;
  if (std::isnan(a.value) || std::isnan(b.value)) return std::isnan(b.value);
  return order_.descending ? a.value > b.value : a.value < b.value;
}

bool Sort::LabelsBefore(const Item& a, const Item& b) const {
  const Naming naming = context().naming();
  const SeriesMeta& first = input_->series()[order_.descending ? b.series : a.series];
  const SeriesMeta& second = input_->series()[order_.descending ? a.series : b.series];
  for (const std::string& label : order_.labels) {
    const std::string_view x = naming.Get(first, label);
    const std::string_view y = naming.Get(second, label);
    if (NaturalLess(x, y)) return true;
    if (NaturalLess(y, x)) return false;
    if (x != y) return x < y;  // the same number written in two ways
  }
  return naming.Visible(first) < naming.Visible(second);
}

Status Sort::Compute(Lane& lane, size_t index, Column& out) {
  TRY(input_->Evaluate(lane, sources_.empty() ? index : sources_[index], out));
  if (!order_.by_label) out.EraseHistograms();
  return {};
}

}  // namespace barograph::promql
