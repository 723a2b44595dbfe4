#include "server/admin/metrics_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "server/core/leave.h"

namespace longwire {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Gathers families: a name and its help once, then a value for each label.
class Page {
 public:
  void Begin(MetricType type, std::string name, std::string help) {
    families_.push_back({.name = std::move(name), .help = std::move(help), .type = type});
  }
  void Add(double value) { Add({}, value); }
  void Add(std::string_view reason, double value) { Add("reason", reason, value); }
  void Add(const char* label, std::string_view of, double value) {
    ClientMetric metric;
    if (!of.empty()) metric.label.push_back({label, std::string(of)});
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families_.back().metric.push_back(std::move(metric));
  }
  void Counter(std::string name, std::string help, double value) {
    Begin(MetricType::Counter, std::move(name), std::move(help));
    Add(value);
  }
  void Gauge(std::string name, std::string help, double value) {
    Begin(MetricType::Gauge, std::move(name), std::move(help));
    Add(value);
  }
  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
};

using Pick = std::function<const LoopCounter&(const LoopMetrics&)>;

double Sum(const Metrics& metrics, const Pick& pick) {
  uint64_t sum = 0;
  for (const auto& loop : metrics.loop) sum += pick(*loop).value();
  return static_cast<double>(sum);
}

void AddSessions(const Metrics& metrics, Page& page) {
  page.Gauge("longwire_connections", "WebSocket and HTTP sockets that are open",
             Sum(
                 metrics, [](auto& m) -> auto& { return m.connections; }));
  page.Gauge("longwire_sessions", "Sessions that are live",
             Sum(
                 metrics, [](auto& m) -> auto& { return m.sessions; }));
  page.Counter("longwire_sessions_entered_total", "Sessions whose ENTER was written",
               Sum(
                   metrics, [](auto& m) -> auto& { return m.sessions_entered; }));
  page.Begin(MetricType::Counter, "longwire_sessions_left_total",
             "Sessions whose LEAVE was written, by its reason");
  for (size_t i = 1; i < kLeaveReasons; ++i) {
    page.Add(LeaveReasonLabel(static_cast<LeaveReason>(i)),
             Sum(
                 metrics, [i](auto& m) -> auto& { return m.sessions_left[i]; }));
  }
}

void AddRefusals(const Metrics& metrics, Page& page) {
  page.Begin(MetricType::Counter, "longwire_admission_refusals_total",
             "Clients that were turned away before they had a session");
  for (size_t i = 0; i < static_cast<size_t>(AdmissionRefusal::kCount); ++i) {
    page.Add(AdmissionRefusalLabel(static_cast<AdmissionRefusal>(i)),
             Sum(
                 metrics, [i](auto& m) -> auto& { return m.admission_refusals[i]; }));
  }
  page.Counter("longwire_accept_failures_total",
               "Times the kernel had no descriptor or memory left for a connection",
               Sum(
                   metrics, [](auto& m) -> auto& { return m.accept_failures; }));
  page.Begin(MetricType::Counter, "longwire_refusals_total",
             "gRPC calls, and routes of a RouteStream, that were refused");
  for (size_t i = 0; i < metrics.refusals.size(); ++i) {
    page.Add(ReasonName(static_cast<Reason>(i)), static_cast<double>(metrics.refusals[i].value()));
  }
}

void AddTraffic(const Metrics& metrics, const ByteBudget& outboxes, Page& page) {
  page.Counter("longwire_messages_in_total", "Messages of clients that became ROUTE events",
               Sum(
                   metrics, [](auto& m) -> auto& { return m.messages_in; }));
  page.Counter("longwire_messages_out_total", "Messages of backends that an outbox has taken",
               Sum(
                   metrics, [](auto& m) -> auto& { return m.messages_out; }));
  page.Counter("longwire_received_bytes_total", "Bytes received from clients",
               Sum(
                   metrics, [](auto& m) -> auto& { return m.bytes_in; }));
  page.Counter("longwire_sent_bytes_total", "Bytes sent to clients",
               Sum(
                   metrics, [](auto& m) -> auto& { return m.bytes_out; }));
  page.Gauge("longwire_outbox_bytes",
             "Bytes that wait in all outboxes; a broadcast's frame counts once",
             static_cast<double>(outboxes.used()));
}

void AddBroadcasts(const Metrics& metrics, Page& page) {
  page.Counter("longwire_broadcasts_total", "Broadcasts that went to their audience",
               static_cast<double>(metrics.broadcasts.value()));
  page.Counter("longwire_broadcast_reached_total", "Sessions whose outbox has taken a broadcast",
               static_cast<double>(metrics.broadcast_reached.value()));
  page.Begin(MetricType::Counter, "longwire_broadcast_skipped_total",
             "Sessions that a broadcast skipped: their outbox was full, or all together");
  page.Add("outbox_full", static_cast<double>(metrics.broadcast_skipped_full.value()));
  page.Add("gateway_busy", static_cast<double>(metrics.broadcast_skipped_total_full.value()));
}

void AddLog(const Metrics& metrics, const EventLog& log, Page& page) {
  const EventLog::Stats stats = log.stats();
  page.Counter("longwire_event_log_head", "Sequence of the last event",
               static_cast<double>(stats.head));
  page.Counter("longwire_event_log_first", "Smallest sequence that is retained",
               static_cast<double>(stats.first_retained));
  page.Gauge("longwire_event_log_bytes", "Bytes that the event log occupies",
             static_cast<double>(stats.bytes));
  page.Gauge("longwire_subscribers", "SubscribeEvents streams that are open",
             static_cast<double>(metrics.subscribers.load()));
  page.Begin(MetricType::Counter, "longwire_gaps_total", "Gaps told to subscribers");
  page.Add("retention", static_cast<double>(metrics.gaps_retention.value()));
  page.Add("restart", static_cast<double>(metrics.gaps_restart.value()));
}

void AddGroups(const MetricsSources& sources, Page& page) {
  page.Counter("longwire_events_acknowledged_total", "Events that AckEvents has acknowledged",
               static_cast<double>(sources.metrics.events_acked.value()));
  page.Counter("longwire_group_members_expired_total",
               "Members of consumer groups that did not acknowledge in time and were cut off",
               static_cast<double>(sources.metrics.members_expired.value()));
  // Families without a value are left out, as Prometheus wants it.
  if (sources.groups.empty()) return;
  const uint64_t head = sources.log.head();
  page.Begin(MetricType::Gauge, "longwire_group_members", "Members of a consumer group");
  for (const auto& group : sources.groups) {
    page.Add("group", group.name, static_cast<double>(group.members));
  }
  page.Begin(MetricType::Gauge, "longwire_group_unacknowledged_events",
             "Events that members on this node were sent and have not acknowledged");
  for (const auto& group : sources.groups) {
    page.Add("group", group.name, static_cast<double>(group.unacked));
  }
  page.Begin(MetricType::Gauge, "longwire_group_lag",
             "How far the place of a consumer group is behind the last event, in sequences");
  for (const auto& group : sources.groups) {
    page.Add("group", group.name, static_cast<double>(head - std::min(head, group.covered)));
  }
}

}  // namespace

std::string MetricsPage(const MetricsSources& sources) {
  const Metrics& metrics = sources.metrics;
  Page page;
  AddSessions(metrics, page);
  AddRefusals(metrics, page);
  AddTraffic(metrics, sources.outboxes, page);
  AddBroadcasts(metrics, page);
  page.Gauge("longwire_inbound_bytes", "Bytes of clients' messages that are half received",
             static_cast<double>(sources.inbound.used()));
  AddLog(metrics, sources.log, page);
  AddGroups(sources, page);
  return page.Text();
}

}  // namespace longwire
