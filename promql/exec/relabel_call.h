#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/model/regex.h"
#include "promql/exec/operator.h"

namespace barograph::promql {

/// Functions that edit labels and leave values as they are.
class RelabelCall : public Operator {
 public:
  RelabelCall(QueryContext& context, OperatorPtr input)
      : Operator(context, input->grid()), input_(std::move(input)) {}

  Status Start() override;
  Status Compute(Lane& lane, size_t index, Column& out) override {
    return input_->Evaluate(lane, index, out);
  }
  std::vector<const Operator*> inputs() const override { return {input_.get()}; }

 protected:
  /// Sets a label by `labels`; false leaves the series as it is.
  virtual bool Edit(const Labels& labels, LabelsBuilder& builder) const = 0;
  /// The label that Edit sets. A new name is not dropped even if the old one was to be.
  virtual const std::string& target() const = 0;

 private:
  OperatorPtr input_;
};

/// label_replace(x, target, replacement, source, regex).
class LabelReplace final : public RelabelCall {
 public:
  struct Arguments {
    std::string target;
    std::string replacement;
    std::string source;
    std::string regex;
  };
  /// Execution when the regular expression or the target is not valid.
  static Result<OperatorPtr> Make(QueryContext& context, Arguments arguments, OperatorPtr input);
  std::string name() const override { return "label_replace"; }

 protected:
  bool Edit(const Labels& labels, LabelsBuilder& builder) const override;
  const std::string& target() const override { return arguments_.target; }

 private:
  LabelReplace(QueryContext& context, Arguments arguments, std::unique_ptr<const Regex> regex,
               OperatorPtr input);
  Arguments arguments_;
  std::unique_ptr<const Regex> regex_;
};

/// label_join(x, target, separator, source...).
class LabelJoin final : public RelabelCall {
 public:
  struct Arguments {
    std::string target;
    std::string separator;
    std::vector<std::string> sources;
  };
  /// Execution when a label name is not valid.
  static Result<OperatorPtr> Make(QueryContext& context, Arguments arguments, OperatorPtr input);
  std::string name() const override { return "label_join"; }

 protected:
  bool Edit(const Labels& labels, LabelsBuilder& builder) const override;
  const std::string& target() const override { return arguments_.target; }

 private:
  LabelJoin(QueryContext& context, Arguments arguments, OperatorPtr input);
  Arguments arguments_;
};

}  // namespace barograph::promql
