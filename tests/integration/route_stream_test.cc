// RouteStream: batches of routes, each item with an answer of its own.
#include <memory>
#include <set>
#include <thread>

#include "tests/support/query_auth.h"
#include "tests/support/test_gateway.h"

namespace longwire::test {
namespace {

using grpc::StatusCode;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kMessageBytesMax = 100'000;

MATCHER_P3(IsFailure, index, code, reason, std::string("is the failure ") + reason) {
  return arg.index() == static_cast<uint32_t>(index) && arg.code() == static_cast<int>(code) &&
         arg.reason() == reason && !arg.detail().empty();
}

class RouteStreams : public GatewayTest {
 protected:
  void SetUp() override {
    Options options = TestGateway::QuickOptions();
    options.message_bytes_max = kMessageBytesMax;
    options.outbox_bytes_max = 2 * kMessageBytesMax;
    StartWith(options);
  }
  void TearDown() override { context_->TryCancel(); }

  void StartWith(Options options) {
    options.duplicate_login = DuplicateLogin::kAllow;
    if (context_ != nullptr) context_->TryCancel();
    stream_.reset();
    Start(options, {.auth = std::make_shared<QueryAuth>()});
    context_ = std::make_unique<grpc::ClientContext>();
    SetDeadline(*context_);
    stream_ = stub().RouteStream(context_.get());
  }

  Peer& JoinAs(const std::string& uid) {
    Peer& peer = Join(HttpRequest::Upgrade("/?uid=" + uid));
    EXPECT_EQ(peer.ws.Receive(), Received::Text(std::to_string(peer.id())));
    return peer;
  }

  static v1::RouteStreamRequest Batch(uint64_t id, std::vector<v1::RouteRequest> routes) {
    v1::RouteStreamRequest batch;
    batch.set_batch_id(id);
    for (v1::RouteRequest& route : routes) *batch.add_routes() = std::move(route);
    return batch;
  }

  // Sends one batch and waits for its answer.
  v1::RouteStreamResponse Ask(const v1::RouteStreamRequest& batch) {
    v1::RouteStreamResponse response;
    EXPECT_TRUE(stream_->Write(batch));
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.batch_id(), batch.batch_id());
    EXPECT_EQ(response.accepted_count() + static_cast<uint32_t>(response.failures_size()),
              static_cast<uint32_t>(batch.routes_size()));
    return response;
  }

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::RouteStreamRequest, v1::RouteStreamResponse>>
      stream_;
};

TEST_F(RouteStreams, AnswerABatchWithItsId) {
  Peer& peer = JoinAs("alice");
  const auto response =
      Ask(Batch(77, {RouteTo(peer.id(), TextMessage("a")), RouteTo("alice", TextMessage("b"))}));
  EXPECT_EQ(response.accepted_count(), 2u);
  EXPECT_THAT(response.failures(), IsEmpty());
  EXPECT_EQ(peer.ws.Receive(), Received::Text("a"));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("b"));
}

TEST_F(RouteStreams, AnswerAnEmptyBatch) {
  EXPECT_EQ(Ask(Batch(1, {})).accepted_count(), 0u);
  EXPECT_EQ(Ask(Batch(0, {})).accepted_count(), 0u);
}

TEST_F(RouteStreams, CountRoutesAndNotSessions) {
  JoinAs("alice");
  JoinAs("alice");
  EXPECT_EQ(Ask(Batch(1, {RouteTo("alice", TextMessage("both"))})).accepted_count(), 1u);
}

TEST_F(RouteStreams, GiveEachItemItsOwnAnswer) {
  Peer& peer = JoinAs("alice");
  v1::RouteRequest no_target;
  *no_target.mutable_message() = TextMessage("x");
  v1::RouteRequest no_message;
  no_message.set_session_id(peer.id());
  v1::RouteRequest no_body = no_message;
  no_body.mutable_message();
  const auto response =
      Ask(Batch(5, {RouteTo(peer.id(), TextMessage("first")),  //
                    no_target,                                 //
                    RouteTo("", TextMessage("x")),             //
                    no_message,                                //
                    RouteTo(int64_t{123}, TextMessage("x")),   //
                    RouteTo("nobody", TextMessage("x")),       //
                    no_body,                                   //
                    RouteTo(peer.id(), TextMessage(std::string(kMessageBytesMax + 1, 'x'))),
                    RouteTo(peer.id(), TextMessage("last"))}));
  EXPECT_EQ(response.accepted_count(), 2u);
  EXPECT_THAT(response.failures(),
              ::testing::UnorderedElementsAre(
                  IsFailure(1, StatusCode::INVALID_ARGUMENT, "TARGET_MISSING"),
                  IsFailure(2, StatusCode::INVALID_ARGUMENT, "UID_EMPTY"),
                  IsFailure(3, StatusCode::INVALID_ARGUMENT, "MESSAGE_MISSING"),
                  IsFailure(4, StatusCode::NOT_FOUND, "SESSION_GONE"),
                  IsFailure(5, StatusCode::NOT_FOUND, "UID_OFFLINE"),
                  IsFailure(6, StatusCode::INVALID_ARGUMENT, "MESSAGE_MISSING"),
                  IsFailure(7, StatusCode::INVALID_ARGUMENT, "MESSAGE_TOO_BIG")));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("first"));
  EXPECT_EQ(peer.ws.Receive(), Received::Text("last"));
}

TEST_F(RouteStreams, TellAFullOutboxItemByItem) {
  Peer& deaf = Join(HttpRequest::Upgrade("/?uid=deaf"), {.receive_buffer_bytes = 4096});
  Peer& other = JoinAs("other");
  const v1::Message big = BinaryMessage(std::string(60'000, 'x'));
  while (Route(RouteTo(deaf.id(), big)).ok()) {
  }
  const auto response = Ask(Batch(1, {RouteTo(deaf.id(), big), RouteTo(other.id(), big)}));
  EXPECT_EQ(response.accepted_count(), 1u);
  EXPECT_THAT(response.failures(),
              ::testing::ElementsAre(IsFailure(0, StatusCode::RESOURCE_EXHAUSTED, "OUTBOX_FULL")));
  EXPECT_EQ(other.ws.Receive().kind, Received::Kind::kBinary);
}

// The kernel takes these 96 KiB, whether the client reads or not.
TEST_F(RouteStreams, FillNoOutboxWithWhatTheClientsSocketTakes) {
  Options options = TestGateway::QuickOptions();
  options.outbox_bytes_max = 16 * 1024;
  options.message_bytes_max = 1'024;
  StartWith(options);
  Peer& peer = JoinAs("alice");
  constexpr uint32_t kRoutes = 96;
  const std::string body(1'024, 'x');
  EXPECT_THAT(
      Ask(Batch(1, std::vector<v1::RouteRequest>(kRoutes, RouteTo(peer.id(), TextMessage(body))))),
      ::testing::Property(&v1::RouteStreamResponse::accepted_count, kRoutes));
  for (uint32_t i = 0; i < kRoutes; ++i) ASSERT_EQ(peer.ws.Receive(), Received::Text(body));
}

// Far more than is read of a stream ahead of the answers.
TEST_F(RouteStreams, WaitForTheLoopsHoweverMuchIsWritten) {
  Options options = TestGateway::QuickOptions();
  options.outbox_bytes_max = 4 * 1024 * 1024;  // All of it, however slowly it is read.
  StartWith(options);
  Peer& peer = JoinAs("alice");
  const std::string body(64, 'x');
  const std::vector<v1::RouteRequest> routes(64, RouteTo(peer.id(), TextMessage(body)));
  constexpr uint64_t kBatches = 400;
  std::thread reading([&] {
    for (uint64_t i = 0; i < kBatches * 64; ++i) ASSERT_EQ(peer.ws.Receive(), Received::Text(body));
  });
  std::thread writing([&] {
    for (uint64_t i = 0; i < kBatches; ++i) ASSERT_TRUE(stream_->Write(Batch(i, routes)));
    stream_->WritesDone();
  });
  v1::RouteStreamResponse response;
  uint64_t accepted = 0;
  while (stream_->Read(&response)) accepted += response.accepted_count();
  writing.join();
  EXPECT_EQ(accepted, kBatches * 64);
  EXPECT_TRUE(stream_->Finish().ok());
  reading.join();
}

TEST_F(RouteStreams, KeepTheOrderForEachSessionAcrossBatches) {
  Peer& first = JoinAs("alice");
  Peer& second = JoinAs("bob");
  constexpr int kBatches = 200;
  for (int i = 0; i < kBatches; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_TRUE(
        stream_->Write(Batch(static_cast<uint64_t>(i), {
                                                           RouteTo(first.id(), TextMessage(n)),
                                                           RouteTo("bob", TextMessage(n)),
                                                       })));
  }
  std::set<uint64_t> answered;
  for (int i = 0; i < kBatches; ++i) {
    v1::RouteStreamResponse response;
    ASSERT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.accepted_count(), 2u);
    answered.insert(response.batch_id());
  }
  EXPECT_THAT(answered, SizeIs(kBatches));
  for (int i = 0; i < kBatches; ++i) {
    ASSERT_EQ(first.ws.Receive(), Received::Text(std::to_string(i)));
    ASSERT_EQ(second.ws.Receive(), Received::Text(std::to_string(i)));
  }
}

TEST_F(RouteStreams, EndWithOkOnceAllIsAnswered) {
  Peer& peer = JoinAs("alice");
  for (uint64_t i = 0; i < 20; ++i) {
    stream_->Write(Batch(i, {RouteTo(peer.id(), TextMessage("x"))}));
  }
  stream_->WritesDone();
  v1::RouteStreamResponse response;
  int answers = 0;
  while (stream_->Read(&response)) ++answers;
  EXPECT_EQ(answers, 20);
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(RouteStreams, TakeABatchOfThousandsOfRoutes) {
  Peer& peer = JoinAs("alice");
  std::vector<v1::RouteRequest> routes(5'000, RouteTo(peer.id(), TextMessage("0123456789")));
  EXPECT_EQ(Ask(Batch(1, std::move(routes))).accepted_count(), 5'000u);
  for (int i = 0; i < 5'000; ++i) ASSERT_EQ(peer.ws.Receive(), Received::Text("0123456789"));
}

TEST_F(RouteStreams, TakeABatchOfJustBelow4MiB) {
  std::vector<v1::RouteRequest> routes(39,
                                       RouteTo("nobody", BinaryMessage(std::string(100'000, 'x'))));
  EXPECT_THAT(Ask(Batch(1, std::move(routes))).failures(), SizeIs(39));
}

TEST_F(RouteStreams, EndOnABatchAbove4MiB) {
  std::vector<v1::RouteRequest> routes(43,
                                       RouteTo("nobody", BinaryMessage(std::string(100'000, 'x'))));
  stream_->Write(Batch(1, std::move(routes)));
  v1::RouteStreamResponse response;
  EXPECT_FALSE(stream_->Read(&response));
  EXPECT_EQ(stream_->Finish().error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(*context_), "BATCH_TOO_BIG");
}

TEST_F(RouteStreams, MayBeCancelledInTheMiddle) {
  Peer& peer = JoinAs("alice");
  for (uint64_t i = 0; i < 50; ++i) {
    stream_->Write(Batch(i, {RouteTo(peer.id(), TextMessage("x"))}));
  }
  context_->TryCancel();
  EXPECT_THAT(Route(RouteTo(peer.id(), TextMessage("after"))), ReachedSessions(1));
}

// A caller that never reads its answers is held back by flow control; it must not hold up others.
TEST_F(RouteStreams, WhoseAnswersAreNotReadHoldUpNobodyElse) {
  Peer& peer = JoinAs("alice");
  std::vector<v1::RouteRequest> failing(2'000, RouteTo("nobody", TextMessage("x")));
  const v1::RouteStreamRequest batch = Batch(1, std::move(failing));
  std::jthread writing([&] {
    for (int i = 0; i < 200 && stream_->Write(batch); ++i) {
    }
  });
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(Route(RouteTo(peer.id(), TextMessage("x"))), ReachedSessions(1));
  }
  context_->TryCancel();
}

}  // namespace
}  // namespace longwire::test
