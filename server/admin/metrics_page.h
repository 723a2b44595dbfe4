#pragma once

#include <string>
#include <vector>

#include "server/base/byte_budget.h"
#include "server/base/metrics.h"
#include "server/engine/event_log.h"
#include "server/events/consumer_groups.h"

namespace longwire {

// Where the page takes its figures from.
struct MetricsSources {
  const Metrics& metrics;
  const EventLog& log;
  const ByteBudget& outboxes;
  const ByteBudget& inbound;
  std::vector<ConsumerGroups::Stats> groups;
};

// Everything the process counts, as a page in Prometheus' text format. Any thread.
std::string MetricsPage(const MetricsSources& sources);

}  // namespace longwire
