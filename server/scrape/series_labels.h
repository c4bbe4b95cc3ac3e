#pragma once

#include <optional>

#include "base/model/labels.h"
#include "base/result.h"
#include "server/config/config.h"

/// From the labels that a page shows to those that a series is stored under: the target's labels
/// are added, conflicts resolved as `honor_labels` says, metric_relabel_configs applied, and
/// names and limits checked.
namespace barograph::server {

/// Thread-safe.
class SeriesLabels {
 public:
  /// `target` are the target's public labels. `config` must outlive it.
  SeriesLabels(const Labels& target, const ScrapeConfig& config)
      : target_(target), config_(config) {}

  /// nullopt when a rule drops the series. InvalidArgument for names that the validation scheme
  /// refuses or when no name is left; LimitExceeded over a label limit: each fails the scrape.
  Result<std::optional<Labels>> Make(const Labels& exposed) const;

  /// The labels of a series about the scrape itself, such as `up`: no rules apply.
  Labels MakeReport(std::string_view name) const;

 private:
  void AddTargetLabels(const Labels& exposed, LabelsBuilder& builder) const;
  Status Check(const Labels& labels) const;

  Labels target_;
  const ScrapeConfig& config_;
};

/// `label_limit exceeded (...)` and its like, with Prometheus's texts.
Status CheckLabelLimits(const Labels& labels, const ScrapeLimits& limits);

}  // namespace barograph::server
