#include "server/api/listing_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/synchronization/notification.h"
#include "server/base/limits.h"
#include "tests/unit/hub/test_hub.h"

namespace longwire {
namespace {

using test::FakeSession;
using test::TestHub;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using Ids = std::vector<SessionId>;

v1::ListSessionsRequest Page(uint32_t size, const std::string& token = "") {
  v1::ListSessionsRequest request;
  request.set_page_size(size);
  request.set_page_token(token);
  return request;
}

std::string ReasonOf(const v1::ListSessionsRequest& request) {
  const auto plan = PlanListing(request);
  const auto* refusal = std::get_if<Refusal>(&plan);
  return refusal == nullptr ? "" : std::string(ReasonName(refusal->reason));
}

Ids IdsOf(const v1::ListSessionsResponse& page) {
  Ids ids;
  for (const v1::Session& session : page.sessions()) ids.push_back(session.session_id());
  return ids;
}

class ListingJobTest : public testing::Test {
 protected:
  v1::ListSessionsResponse List(const v1::ListSessionsRequest& request) {
    auto plan = PlanListing(request);
    v1::ListSessionsResponse page;
    absl::Notification done;
    RunListing(hub_.hub(), std::get<ListingPlan>(std::move(plan)), page, [&] { done.Notify(); });
    EXPECT_TRUE(done.WaitForNotificationWithTimeout(test::kAnswerPatience));
    return page;
  }
  // All pages, which have to hang together.
  Ids ListAll(v1::ListSessionsRequest request) {
    Ids ids;
    while (true) {
      const v1::ListSessionsResponse page = List(request);
      const Ids more = IdsOf(page);
      EXPECT_LE(more.size(), request.page_size());
      ids.insert(ids.end(), more.begin(), more.end());
      if (page.next_page_token().empty()) return ids;
      request.set_page_token(page.next_page_token());
    }
  }
  FakeSession& Join(uint32_t shard, const std::string& uid, std::vector<std::string> topics = {},
                    size_t attribute_bytes = 0) {
    FakeSession& session = hub_.Make(shard, uid);
    hub_.On(shard, [&] {
      session.topics = std::move(topics);
      if (attribute_bytes > 0) {
        (*session.enter.mutable_attributes())["a"] = std::string(attribute_bytes, 'x');
      }
      session.LogIn();
    });
    return session;
  }
  // So many on all shards; their IDs in order.
  Ids JoinMany(int count, size_t attribute_bytes = 0) {
    Ids ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(Join(static_cast<uint32_t>(i % 3), "", {}, attribute_bytes).id());
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  TestHub hub_{3, DuplicateLogin::kAllow};
};

TEST_F(ListingJobTest, EveryPageSizeListsEachSessionOnceInOrder) {
  const Ids ids = JoinMany(25);
  for (const uint32_t size : {1u, 2u, 7u, 24u, 25u, 26u, 1'000u}) {
    EXPECT_EQ(ListAll(Page(size)), ids) << size;
  }
}

TEST_F(ListingJobTest, TheLastPageHasNoTokenAlsoWhenItIsFull) {
  JoinMany(4);
  const v1::ListSessionsResponse first = List(Page(2));
  EXPECT_NE(first.next_page_token(), "");
  const v1::ListSessionsResponse second = List(Page(2, first.next_page_token()));
  EXPECT_EQ(second.sessions_size(), 2);
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(ListingJobTest, WithoutSessionsThereIsOneEmptyPage) {
  const v1::ListSessionsResponse page = List(Page(10));
  EXPECT_EQ(page.sessions_size(), 0);
  EXPECT_EQ(page.next_page_token(), "");
  EXPECT_EQ(page.total_size(), 0u);
}

TEST_F(ListingJobTest, PagesHave100SessionsUnlessToldOtherwiseAndNeverMoreThan1000) {
  JoinMany(1'005);
  EXPECT_EQ(List(Page(0)).sessions_size(), 100);
  EXPECT_EQ(List(Page(1'000)).sessions_size(), 1'000);
  EXPECT_EQ(List(Page(UINT32_MAX)).sessions_size(), 1'000);
}

TEST_F(ListingJobTest, TotalSizeCountsAllThatTheFilterMatchesOnEachPage) {
  JoinMany(5);
  Join(0, "alice", {"room"});
  Join(1, "alice");
  const v1::ListSessionsResponse first = List(Page(2));
  EXPECT_EQ(first.total_size(), 7u);
  EXPECT_EQ(List(Page(2, first.next_page_token())).total_size(), 7u);
  v1::ListSessionsRequest request = Page(1);
  request.set_uid("alice");
  EXPECT_EQ(List(request).total_size(), 2u);
  request.set_topic("room");
  EXPECT_EQ(List(request).total_size(), 1u);
}

TEST_F(ListingJobTest, FiltersByUidAndByTopic) {
  JoinMany(5);
  Ids alices, in_room;
  for (uint32_t i = 0; i < 9; ++i) {
    const FakeSession& session =
        Join(i % 3, i % 2 == 0 ? "alice" : "bob",
             i < 6 ? std::vector<std::string>{"room"} : std::vector<std::string>{"news"});
    if (i % 2 == 0) alices.push_back(session.id());
    if (i < 6) in_room.push_back(session.id());
  }
  std::sort(alices.begin(), alices.end());
  std::sort(in_room.begin(), in_room.end());
  v1::ListSessionsRequest request = Page(2);
  request.set_uid("alice");
  EXPECT_EQ(ListAll(request), alices);
  request.set_topic("room");
  EXPECT_EQ(ListAll(request), in_room);
  request.set_uid("nobody");
  EXPECT_THAT(ListAll(request), IsEmpty());
  request.set_topic("nowhere");
  EXPECT_THAT(ListAll(request), IsEmpty());
}

TEST_F(ListingJobTest, AllSessionsOfOneUidArePagedToo) {
  Ids ids;
  for (uint32_t i = 0; i < 20; ++i) ids.push_back(Join(i % 3, "alice").id());
  std::sort(ids.begin(), ids.end());
  v1::ListSessionsRequest request = Page(3);
  request.set_uid("alice");
  EXPECT_EQ(ListAll(request), ids);
}

TEST_F(ListingJobTest, ShowsWhatGetSessionShows) {
  const FakeSession& alice = Join(2, "alice", {"room"});
  const v1::ListSessionsResponse page = List(Page(1));
  ASSERT_EQ(page.sessions_size(), 1);
  EXPECT_EQ(page.sessions(0).session_id(), alice.id());
  EXPECT_EQ(page.sessions(0).uid(), "alice");
  EXPECT_EQ(page.sessions(0).node_id(), TestHub::kNode);
  EXPECT_THAT(page.sessions(0).topics(), ElementsAre("room"));
}

TEST_F(ListingJobTest, APageIsCutAtItsBytesAndTheNextGoesOnBehindIt) {
  const Ids ids = JoinMany(700, kAttributesBytesMax);
  v1::ListSessionsRequest request = Page(1'000);
  Ids listed;
  int pages = 0;
  do {
    const v1::ListSessionsResponse page = List(request);
    EXPECT_LE(page.ByteSizeLong(), kPageBytesMax + 64 * 1024);
    if (!page.next_page_token().empty()) {
      EXPECT_GT(page.ByteSizeLong(), kPageBytesMax - 16 * 1024);
    }
    for (const SessionId id : IdsOf(page)) listed.push_back(id);
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(listed, ElementsAreArray(ids));
  EXPECT_EQ(pages, 3);
}

TEST_F(ListingJobTest, WhoStaysIsListedOnceWhileOthersComeAndGoBetweenThePages) {
  Ids staying = JoinMany(20);
  std::vector<FakeSession*> going;
  for (uint32_t i = 0; i < 20; ++i) going.push_back(&Join(i % 3, ""));
  for (const SessionId id : JoinMany(20)) staying.push_back(id);
  std::sort(staying.begin(), staying.end());
  v1::ListSessionsRequest request = Page(3);
  Ids listed;
  uint32_t page_number = 0;
  do {
    const v1::ListSessionsResponse page = List(request);
    for (const SessionId id : IdsOf(page)) listed.push_back(id);
    request.set_page_token(page.next_page_token());
    if (page_number < going.size()) {
      FakeSession& leaver = *going[page_number];
      hub_.On(page_number % 3, [&] { leaver.LeaveFor(LeaveReason::kKicked); });
      Join(page_number % 3, "");
    }
    ++page_number;
  } while (!request.page_token().empty());
  EXPECT_TRUE(std::is_sorted(listed.begin(), listed.end()));
  EXPECT_EQ(std::unique(listed.begin(), listed.end()), listed.end()) << "somebody is there twice";
  EXPECT_TRUE(std::includes(listed.begin(), listed.end(), staying.begin(), staying.end()));
}

TEST_F(ListingJobTest, ATokenIsGoodForItsFilterOnly) {
  JoinMany(3);
  Join(0, "alice");
  Join(0, "alice");
  const std::string of_all = List(Page(1)).next_page_token();
  v1::ListSessionsRequest request = Page(1, of_all);
  EXPECT_EQ(ReasonOf(request), "");
  request.set_uid("alice");
  EXPECT_EQ(ReasonOf(request), "BAD_PAGE_TOKEN");
  request.set_topic("alice");
  EXPECT_EQ(ReasonOf(request), "BAD_PAGE_TOKEN");
  request = Page(1);
  request.set_uid("alice");
  const std::string of_alice = List(request).next_page_token();
  ASSERT_NE(of_alice, "");
  request.set_page_token(of_alice);
  EXPECT_EQ(ReasonOf(request), "");
  request.set_uid("bob");
  EXPECT_EQ(ReasonOf(request), "BAD_PAGE_TOKEN");
  EXPECT_EQ(ReasonOf(Page(1, of_alice)), "BAD_PAGE_TOKEN");
  EXPECT_EQ(ReasonOf(Page(7, of_all)), "") << "the size may change from page to page";
}

TEST_F(ListingJobTest, WhatCanNeverSucceedIsRefused) {
  EXPECT_EQ(ReasonOf(Page(1, "1")), "BAD_PAGE_TOKEN");
  v1::ListSessionsRequest request;
  request.set_uid("");
  EXPECT_EQ(ReasonOf(request), "UID_EMPTY");
  request.set_uid(std::string(kUidBytesMax + 1, 'u'));
  EXPECT_EQ(ReasonOf(request), "UID_INVALID");
  request.set_topic("");
  EXPECT_EQ(ReasonOf(request), "BAD_TOPIC_NAME");
  request.set_topic("no spaces");
  EXPECT_EQ(ReasonOf(request), "BAD_TOPIC_NAME");
}

}  // namespace
}  // namespace longwire
