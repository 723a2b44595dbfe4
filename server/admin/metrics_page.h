#pragma once

#include <string>

#include "server/base/metrics.h"
#include "server/edge/outbox.h"
#include "server/engine/event_log.h"

namespace longwire {

// Everything the process counts, as a page in Prometheus' text format. Any thread.
std::string MetricsPage(const Metrics& metrics, const EventLog& log, const ByteBudget& outboxes,
                        const ByteBudget& inbound);

}  // namespace longwire
