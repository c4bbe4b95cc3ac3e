#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/model/labels.h"

/// The identity of a series on its way through the operators.
namespace barograph::promql {

/// The labels that functions drop together with the name: __name__, __type__, __unit__.
bool IsMetadataLabel(std::string_view name);
Labels WithoutMetadata(const Labels& labels);

/// A series that has lost its name keeps it here, marked: the labels are rebuilt once at the end
/// and not in each operator, and with delayed name removal the name stays visible until then. The
/// labels belong to the query (QueryContext::Keep), so that operators pass them on for free.
struct SeriesMeta {
  const Labels* labels = nullptr;
  bool drop_name = false;
};

/// What operators see of a marked series: nothing of the name, or all of it when removal is
/// delayed (--enable-feature=promql-delayed-name-removal).
struct Naming {
  bool delayed = false;

  bool Hides(const SeriesMeta& meta, std::string_view label) const {
    return meta.drop_name && !delayed && IsMetadataLabel(label);
  }
  Labels Visible(const SeriesMeta& meta) const {
    return meta.drop_name && !delayed ? WithoutMetadata(*meta.labels) : *meta.labels;
  }
  /// The value of `label`, or empty.
  std::string_view Get(const SeriesMeta& meta, std::string_view label) const {
    return Hides(meta, label) ? std::string_view() : meta.labels->Get(label);
  }
};

/// Which labels make series belong together: those of by/on, or all but those of
/// without/ignoring.
class LabelSubset {
 public:
  static LabelSubset Only(std::vector<std::string> names);
  static LabelSubset Except(std::vector<std::string> names);

  /// Appends the chosen labels' bytes to `key`: equal for equal label sets, and only for those.
  void AppendKey(const SeriesMeta& meta, Naming naming, std::string& key) const;

  Labels Apply(const SeriesMeta& meta, Naming naming) const;
  Labels Apply(const Labels& labels) const;

  bool only() const { return only_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  LabelSubset(std::vector<std::string> names, bool only);
  bool Chooses(std::string_view name) const;

  std::vector<std::string> names_;  // sorted
  bool only_;
};

/// {__name__="up", job="a"}: as error messages show a label set.
std::string FormatLabelSet(const Labels& labels);

}  // namespace barograph::promql
