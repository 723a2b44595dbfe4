#include "server/admin/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "server/core/leave.h"
#include "server/engine/local_event_log.h"

namespace longwire {
namespace {

using testing::HasSubstr;

class MetricsPageTest : public testing::Test {
 protected:
  // The page's values by name and labels: `longwire_sessions` or `...{reason="kicked"}`.
  std::map<std::string, double> Values() {
    std::map<std::string, double> values;
    std::istringstream page(MetricsPage({metrics_, log_, outboxes_, inbound_, groups_}));
    for (std::string line; std::getline(page, line);) {
      if (line.empty() || line[0] == '#') continue;
      const size_t space = line.rfind(' ');
      EXPECT_TRUE(values.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second)
          << line << " stands there twice";
    }
    return values;
  }

  Metrics metrics_{2};
  ManualClock clock_;
  LocalEventLog log_{"log", 1024 * 1024, 3'600'000, clock_};
  ByteBudget outboxes_{1'000'000};
  ByteBudget inbound_{1'000'000};
  std::vector<ConsumerGroups::Stats> groups_;
};

TEST_F(MetricsPageTest, TellsHowFarBroadcastsGot) {
  metrics_.broadcasts.Add(2);
  metrics_.broadcast_reached.Add(100);
  metrics_.broadcast_skipped_full.Add(3);
  metrics_.broadcast_skipped_total_full.Add(4);
  auto values = Values();
  EXPECT_EQ(values["longwire_broadcasts_total"], 2);
  EXPECT_EQ(values["longwire_broadcast_reached_total"], 100);
  EXPECT_EQ(values["longwire_broadcast_skipped_total{reason=\"outbox_full\"}"], 3);
  EXPECT_EQ(values["longwire_broadcast_skipped_total{reason=\"gateway_busy\"}"], 4);
}

TEST_F(MetricsPageTest, SumsOverTheLoops) {
  metrics_.loop[0]->connections.Add(5);
  metrics_.loop[1]->connections.Add(7);
  metrics_.loop[0]->sessions.Add(3);
  metrics_.loop[1]->sessions_entered.Add(4);
  metrics_.loop[0]->messages_in.Add(10);
  metrics_.loop[1]->messages_in.Add(20);
  metrics_.loop[1]->messages_out.Add(2);
  metrics_.loop[0]->bytes_in.Add(100);
  metrics_.loop[1]->bytes_out.Add(200);
  metrics_.loop[1]->accept_failures.Add(9);
  auto values = Values();
  EXPECT_EQ(values["longwire_connections"], 12);
  EXPECT_EQ(values["longwire_sessions"], 3);
  EXPECT_EQ(values["longwire_sessions_entered_total"], 4);
  EXPECT_EQ(values["longwire_messages_in_total"], 30);
  EXPECT_EQ(values["longwire_messages_out_total"], 2);
  EXPECT_EQ(values["longwire_received_bytes_total"], 100);
  EXPECT_EQ(values["longwire_sent_bytes_total"], 200);
  EXPECT_EQ(values["longwire_accept_failures_total"], 9);
}

// A counter that is only there once it has counted cannot be alerted on.
TEST_F(MetricsPageTest, EveryReasonIsThereFromTheBeginning) {
  auto values = Values();
  for (size_t i = 1; i < kLeaveReasons; ++i) {
    const std::string label(LeaveReasonLabel(static_cast<LeaveReason>(i)));
    EXPECT_TRUE(values.contains("longwire_sessions_left_total{reason=\"" + label + "\"}")) << label;
  }
  for (size_t i = 0; i < static_cast<size_t>(AdmissionRefusal::kCount); ++i) {
    const std::string label(AdmissionRefusalLabel(static_cast<AdmissionRefusal>(i)));
    EXPECT_TRUE(values.contains("longwire_admission_refusals_total{reason=\"" + label + "\"}"));
  }
  for (size_t i = 0; i < static_cast<size_t>(Reason::kCount); ++i) {
    const std::string label(ReasonName(static_cast<Reason>(i)));
    EXPECT_TRUE(values.contains("longwire_refusals_total{reason=\"" + label + "\"}"));
  }
}

TEST_F(MetricsPageTest, EachReasonShowsItsOwnCount) {
  metrics_.loop[0]->sessions_left[static_cast<size_t>(LeaveReason::kKicked)].Add(3);
  metrics_.loop[1]->sessions_left[static_cast<size_t>(LeaveReason::kKicked)].Add(4);
  metrics_.loop[0]->admission_refusals[static_cast<size_t>(AdmissionRefusal::kDraining)].Add(5);
  metrics_.Refused(Reason::kOutboxFull);
  metrics_.gaps_retention.Add(6);
  metrics_.gaps_restart.Add(7);
  auto values = Values();
  EXPECT_EQ(values["longwire_sessions_left_total{reason=\"kicked\"}"], 7);
  EXPECT_EQ(values["longwire_sessions_left_total{reason=\"drained\"}"], 0);
  EXPECT_EQ(values["longwire_admission_refusals_total{reason=\"draining\"}"], 5);
  EXPECT_EQ(values["longwire_refusals_total{reason=\"OUTBOX_FULL\"}"], 1);
  EXPECT_EQ(values["longwire_gaps_total{reason=\"retention\"}"], 6);
  EXPECT_EQ(values["longwire_gaps_total{reason=\"restart\"}"], 7);
}

TEST_F(MetricsPageTest, ShowsWhatTheLogTheOutboxesAndHalfReceivedMessagesHold) {
  EventBatch batch;
  for (int i = 0; i < 3; ++i) {
    batch.bytes() += "x";
    batch.Add({.type = 2});
  }
  log_.Append(batch);
  metrics_.subscribers = 2;
  ASSERT_TRUE(outboxes_.Take(4'711));
  ASSERT_TRUE(inbound_.Take(815));
  auto values = Values();
  EXPECT_EQ(values["longwire_event_log_head"], 3);
  EXPECT_EQ(values["longwire_event_log_first"], 1);
  EXPECT_EQ(values["longwire_event_log_bytes"], static_cast<double>(log_.stats().bytes));
  EXPECT_EQ(values["longwire_subscribers"], 2);
  EXPECT_EQ(values["longwire_outbox_bytes"], 4'711);
  EXPECT_EQ(values["longwire_inbound_bytes"], 815);
}

TEST_F(MetricsPageTest, ShowsEachConsumerGroup) {
  EventBatch batch;
  for (int i = 0; i < 10; ++i) {
    batch.bytes() += "x";
    batch.Add({.type = 2});
  }
  log_.Append(batch);
  groups_ = {{.name = "chat", .members = 3, .unacked = 4, .covered = 6},
             {.name = "audit", .members = 0, .unacked = 0, .covered = 10}};
  metrics_.events_acked.Add(77);
  metrics_.members_expired.Add(2);
  auto values = Values();
  EXPECT_EQ(values["longwire_group_members{group=\"chat\"}"], 3);
  EXPECT_EQ(values["longwire_group_unacknowledged_events{group=\"chat\"}"], 4);
  EXPECT_EQ(values["longwire_group_lag{group=\"chat\"}"], 4);
  EXPECT_EQ(values["longwire_group_lag{group=\"audit\"}"], 0);
  EXPECT_EQ(values["longwire_events_acknowledged_total"], 77);
  EXPECT_EQ(values["longwire_group_members_expired_total"], 2);
}

TEST_F(MetricsPageTest, LargeCountsKeepTheirDigits) {
  metrics_.loop[0]->bytes_out.Add(123'456'789'012'345);
  EXPECT_EQ(Values()["longwire_sent_bytes_total"], 123'456'789'012'345);
}

TEST_F(MetricsPageTest, EveryFamilyHasItsHelpAndItsTypeOnce) {
  groups_ = {{.name = "chat"}, {.name = "audit"}};
  std::istringstream page(MetricsPage({metrics_, log_, outboxes_, inbound_, groups_}));
  std::set<std::string> helped, typed, valued;
  for (std::string line; std::getline(page, line);) {
    std::istringstream words(line);
    std::string first, kind, name;
    words >> first >> kind >> name;
    if (first == "#") {
      EXPECT_TRUE((kind == "HELP" ? helped : typed).insert(name).second) << line;
    } else {
      valued.insert(first.substr(0, first.find('{')));
    }
  }
  EXPECT_EQ(helped, valued);
  EXPECT_EQ(typed, valued);
  for (const std::string& name : valued) EXPECT_THAT(name, testing::StartsWith("longwire_"));
}

}  // namespace
}  // namespace longwire
