#include "promql/exec/relabel_call.h"

namespace barograph::promql {
namespace {

std::unexpected<Error> Invalid(std::string_view what, std::string_view function,
                               std::string_view name) {
  std::string message = "invalid ";
  message.append(what).append(" in ").append(function).append("(): ").append(name);
  return Fail(ErrorCode::kExecution, std::move(message));
}

}  // namespace

Status RelabelCall::Start() {
  TRY(input_->Open());
  series_ = input_->series();
  LabelsBuilder builder;
  for (SeriesMeta& meta : series_) {
    TRY(context().main().Work(0));
    const Labels visible = context().naming().Visible(meta);
    builder.Reset(visible);
    if (!Edit(visible, builder)) continue;
    meta.labels = context().Keep(builder.Build());
    if (!context().naming().delayed || target() == kMetricName) meta.drop_name = false;
  }
  return {};
}

LabelReplace::LabelReplace(QueryContext& context, Arguments arguments,
                           std::unique_ptr<const Regex> regex, OperatorPtr input)
    : RelabelCall(context, std::move(input)),
      arguments_(std::move(arguments)),
      regex_(std::move(regex)) {}

Result<OperatorPtr> LabelReplace::Make(QueryContext& context, Arguments arguments,
                                       OperatorPtr input) {
  auto regex = Regex::Compile(arguments.regex);
  if (!regex.has_value()) return Invalid("regular expression", "label_replace", arguments.regex);
  if (!IsUtf8Name(arguments.target)) {
    return Invalid("destination label name", "label_replace", arguments.target);
  }
  return OperatorPtr(
      new LabelReplace(context, std::move(arguments), std::move(*regex), std::move(input)));
}

bool LabelReplace::Edit(const Labels& labels, LabelsBuilder& builder) const {
  const auto expanded = regex_->Expand(labels.Get(arguments_.source), arguments_.replacement);
  if (!expanded.has_value()) return false;
  builder.Set(arguments_.target, *expanded);
  return true;
}

LabelJoin::LabelJoin(QueryContext& context, Arguments arguments, OperatorPtr input)
    : RelabelCall(context, std::move(input)), arguments_(std::move(arguments)) {}

Result<OperatorPtr> LabelJoin::Make(QueryContext& context, Arguments arguments, OperatorPtr input) {
  for (const std::string& source : arguments.sources) {
    if (!IsUtf8Name(source)) return Invalid("source label name", "label_join", source);
  }
  if (!IsUtf8Name(arguments.target)) {
    return Invalid("destination label name", "label_join", arguments.target);
  }
  return OperatorPtr(new LabelJoin(context, std::move(arguments), std::move(input)));
}

bool LabelJoin::Edit(const Labels& labels, LabelsBuilder& builder) const {
  std::string joined;
  for (size_t i = 0; i < arguments_.sources.size(); ++i) {
    if (i > 0) joined += arguments_.separator;
    joined += labels.Get(arguments_.sources[i]);
  }
  builder.Set(arguments_.target, joined);
  return true;
}

}  // namespace barograph::promql
