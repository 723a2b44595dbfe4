#include "server/edge/outbox.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/edge/frame.h"

namespace longwire {
namespace {

using SendResult = Outbox::SendResult;

// A socket whose buffers are as small as the kernel makes them, and its other end.
class SocketPair {
 public:
  SocketPair() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_), 0);
    const int smallest = 1;
    EXPECT_EQ(setsockopt(fds_[0], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest)), 0);
  }
  ~SocketPair() {
    CloseOther();
    close(fds_[0]);
  }
  int fd() const { return fds_[0]; }
  void CloseOther() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  // What has arrived, at most `bytes_max`.
  std::string Read(size_t bytes_max = SIZE_MAX) {
    std::string all;
    char buffer[4096];
    while (bytes_max > all.size()) {
      const ssize_t got =
          recv(fds_[1], buffer, std::min(sizeof(buffer), bytes_max - all.size()), 0);
      if (got <= 0) break;
      all.append(buffer, static_cast<size_t>(got));
    }
    return all;
  }

 private:
  int fds_[2] = {-1, -1};
};

SendResult SendFrom(Outbox& outbox, int fd, size_t& sent_bytes) {
  SocketWriter writer(fd, nullptr);
  const SendResult result = outbox.Send(writer);
  sent_bytes = writer.sent_bytes();
  return result;
}

std::string Frame(std::string_view payload, Opcode opcode = Opcode::kText) {
  std::string frame;
  AppendFrame(frame, opcode, payload);
  return frame;
}

// The payloads of a stream of unmasked frames; nothing when it does not end where a frame ends.
std::optional<std::vector<std::string>> Payloads(std::string_view stream) {
  std::vector<std::string> payloads;
  while (!stream.empty()) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(stream[i]); };
    if (stream.size() < 2 || (byte(1) & 0x80) != 0) return std::nullopt;
    uint64_t length = byte(1);
    const size_t header = length < 126 ? 2 : length == 126 ? 4 : 10;
    if (stream.size() < header) return std::nullopt;
    if (header > 2) {
      length = 0;
      for (size_t i = 2; i < header; ++i) length = length << 8 | byte(i);
    }
    if (stream.size() - header < length) return std::nullopt;
    payloads.emplace_back(stream.substr(header, length));
    stream.remove_prefix(header + length);
  }
  return payloads;
}

// An outbox as one string: all that is to arrive, and what was sent of it.
struct StreamModel {
  struct Piece {
    size_t begin, end;  // In wire.
    bool is_shared;
  };

  explicit StreamModel(size_t http_bytes) { Append(std::string(http_bytes, 'H'), false); }

  void Append(std::string_view bytes, bool is_shared) {
    pieces.push_back({wire.size(), wire.size() + bytes.size(), is_shared});
    wire += bytes;
  }
  // The HTTP answer stays, and so does what is sent in part.
  void DropUnsent() {
    while (pieces.size() > 1 && pieces.back().begin >= sent) pieces.pop_back();
    wire.resize(pieces.back().end);
  }
  // What an outbox may hold of the budget: its own bytes, and a reference for each shared frame.
  size_t charged() const {
    size_t bytes = 0;
    for (const Piece& piece : pieces) {
      if (piece.end <= sent) continue;
      bytes += piece.is_shared ? Outbox::kReferenceBytes : piece.end - std::max(piece.begin, sent);
    }
    return bytes;
  }
  // The shared frames that it may still hold.
  size_t referred() const {
    size_t bytes = 0;
    for (const Piece& piece : pieces) {
      if (piece.is_shared && piece.end > sent) bytes += piece.end - piece.begin;
    }
    return bytes;
  }

  std::string wire;
  std::vector<Piece> pieces;
  size_t sent = 0;
};

class OutboxTest : public testing::Test {
 protected:
  // What must hold after every step.
  ~OutboxTest() override {
    outbox_.reset();
    EXPECT_EQ(budget_.used(), 0u) << "something was charged and never given back";
  }

  void Append(std::string_view frame) {
    ASSERT_TRUE(budget_.Take(frame.size()));
    outbox_->Append(frame);
  }
  void AppendHttp(std::string_view answer) {
    budget_.TakeAnyway(answer.size());
    outbox_->AppendHttpAnswer(answer);
  }
  SendResult Send() {
    const size_t before = outbox_->bytes();
    size_t sent = 0;
    const SendResult result = SendFrom(*outbox_, sockets_.fd(), sent);
    sent_ += sent;
    EXPECT_LE(outbox_->bytes(), before);
    EXPECT_EQ(budget_.used(), outbox_->bytes());
    EXPECT_EQ(result == SendResult::kAllSent, outbox_->empty());
    return result;
  }
  // Sends and reads until all has arrived.
  std::string Receive() {
    std::string stream = sockets_.Read();
    while (Send() == SendResult::kBlocked) stream += sockets_.Read();
    return stream + sockets_.Read();
  }

  ByteBudget budget_{64 * 1024 * 1024};
  std::unique_ptr<Outbox> outbox_ = std::make_unique<Outbox>(budget_);
  SocketPair sockets_;
  size_t sent_ = 0;
};

TEST_F(OutboxTest, WhatIsAppendedIsSentInOrder) {
  Append(Frame("one"));
  Append(Frame(""));
  Append(Frame("three"));
  EXPECT_EQ(outbox_->bytes(), 5u + 2 + 7);
  EXPECT_EQ(Send(), SendResult::kAllSent);
  EXPECT_EQ(sent_, 14u);
  EXPECT_EQ(Payloads(sockets_.Read()), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_EQ(Send(), SendResult::kAllSent) << "nothing is left to send";
}

TEST_F(OutboxTest, WhatTheSocketDoesNotTakeWaitsAndTheBudgetFollows) {
  const std::string big(300'000, 'x');
  Append(Frame(big));
  EXPECT_EQ(Send(), SendResult::kBlocked);
  EXPECT_EQ(outbox_->bytes(), 300'010 - sent_);
  EXPECT_EQ(Send(), SendResult::kBlocked) << "still full";
  const std::string stream = Receive();
  EXPECT_EQ(sent_, 300'010u);
  EXPECT_EQ(Payloads(stream), std::vector<std::string>{big});
}

TEST_F(OutboxTest, ASocketWhosePeerIsGoneIsBroken) {
  Append(Frame("hello"));
  sockets_.CloseOther();
  EXPECT_EQ(Send(), SendResult::kBroken);  // And no SIGPIPE.
  EXPECT_EQ(budget_.used(), 7u) << "it is given back with the outbox";
}

TEST_F(OutboxTest, DroppingBeforeAnythingIsSentLeavesNothing) {
  Append(Frame("one"));
  Append(Frame("two"));
  outbox_->DropUnsentFrames();
  EXPECT_TRUE(outbox_->empty());
  EXPECT_EQ(budget_.used(), 0u);
  Append(Frame("close", Opcode::kClose));
  EXPECT_EQ(Payloads(Receive()), std::vector<std::string>{"close"});
}

// How much a fresh socket takes before it blocks.
size_t SocketCapacity() {
  ByteBudget budget(SIZE_MAX);
  Outbox outbox(budget);
  const std::string big = Frame(std::string(2'000'000, 'x'));
  budget.TakeAnyway(big.size());
  outbox.Append(big);
  size_t sent = 0;
  EXPECT_EQ(SendFrom(outbox, SocketPair().fd(), sent), SendResult::kBlocked);
  return sent;
}

// A first frame that ends `split` bytes short of what the socket takes moves the place where the
// stream is cut over the bytes of the frames behind it, headers of all three sizes included.
TEST_F(OutboxTest, DroppingAtEverySplitKeepsTheStreamParseable) {
  const size_t capacity = SocketCapacity();
  ASSERT_GT(capacity, 1'000u);
  ASSERT_LT(capacity, 1'900'000u);
  for (const size_t payload_bytes : {size_t{5}, size_t{126}, size_t{65'536}}) {
    const std::string frame = Frame(std::string(payload_bytes, 'x'));
    std::set<size_t> tried;
    const size_t splits = std::min<size_t>(frame.size(), 140);
    for (size_t split = 0; split < splits; ++split) {
      SocketPair sockets;
      Outbox outbox(budget_);
      const auto append = [&](const std::string& bytes) {
        budget_.TakeAnyway(bytes.size());
        outbox.Append(bytes);
      };
      std::string first = Frame(std::string(capacity - split, 'f'));
      first = Frame(std::string(capacity - split - (first.size() - (capacity - split)), 'f'));
      append(first);
      while (outbox.bytes() < capacity + 300'000) append(frame);
      size_t sent = 0;
      ASSERT_EQ(SendFrom(outbox, sockets.fd(), sent), SendResult::kBlocked);
      ASSERT_GE(sent, first.size());
      tried.insert((sent - first.size()) % frame.size());
      outbox.DropUnsentFrames();
      EXPECT_LT(outbox.bytes(), frame.size());
      EXPECT_EQ(budget_.used(), outbox.bytes());
      append(Frame("close", Opcode::kClose));

      std::string stream = sockets.Read();
      while (SendFrom(outbox, sockets.fd(), sent) == SendResult::kBlocked) stream += sockets.Read();
      stream += sockets.Read();
      const auto payloads = Payloads(stream);
      ASSERT_TRUE(payloads) << "cut at byte " << split << " of " << frame.size();
      ASSERT_EQ(payloads->back(), "close");
      for (size_t i = 1; i + 1 < payloads->size(); ++i) {
        ASSERT_EQ((*payloads)[i], std::string(payload_bytes, 'x'));
      }
    }
    EXPECT_EQ(tried.size(), splits) << "the socket did not stop where it was meant to";
  }
}

TEST_F(OutboxTest, TheHttpAnswerGoesFirstAndWhole) {
  AppendHttp("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  Append(Frame("hello"));
  EXPECT_EQ(Receive(), "HTTP/1.1 101 Switching Protocols\r\n\r\n" + Frame("hello"));
}

TEST_F(OutboxTest, DroppingKeepsAnHttpAnswerOfWhichNothingOrSomethingIsSent) {
  for (const size_t answer_bytes : {size_t{100}, size_t{300'000}}) {
    SocketPair sockets;
    Outbox outbox(budget_);
    const std::string answer(answer_bytes, 'A');
    budget_.TakeAnyway(answer.size());
    outbox.AppendHttpAnswer(answer);
    const std::string frame = Frame(std::string(100'000, 'x'));
    budget_.TakeAnyway(frame.size());
    outbox.Append(frame);
    size_t sent = 0;
    if (answer_bytes > 100) {
      ASSERT_EQ(SendFrom(outbox, sockets.fd(), sent), SendResult::kBlocked);
    }
    outbox.DropUnsentFrames();
    EXPECT_EQ(outbox.bytes(), answer_bytes - sent);
    std::string stream = sockets.Read();
    while (SendFrom(outbox, sockets.fd(), sent) == SendResult::kBlocked) stream += sockets.Read();
    EXPECT_EQ(stream + sockets.Read(), answer);
  }
}

TEST_F(OutboxTest, OfThePongsThatWaitOnlyTheNewestIsSentBehindTheFrames) {
  const std::string big(100'000, 'x');
  Append(Frame(big));
  ASSERT_EQ(Send(), SendResult::kBlocked);
  outbox_->SetPendingPong(Frame("first", Opcode::kPong));
  Append(Frame("between"));
  outbox_->SetPendingPong(Frame("second", Opcode::kPong));
  EXPECT_EQ(Payloads(Receive()), (std::vector<std::string>{big, "between", "second"}));
  EXPECT_EQ(Payloads(Receive()), std::vector<std::string>{}) << "it is sent once";
}

TEST_F(OutboxTest, AFloodOfPongsHoldsOneOfThem) {
  Append(Frame(std::string(100'000, 'x')));
  ASSERT_EQ(Send(), SendResult::kBlocked);
  const size_t before = outbox_->bytes();
  for (int i = 0; i < 10'000; ++i) outbox_->SetPendingPong(Frame("ping", Opcode::kPong));
  EXPECT_EQ(outbox_->bytes(), before);
  EXPECT_EQ(budget_.used(), before);
  Receive();
}

TEST_F(OutboxTest, AWaitingPongCanBeDroppedAndIsDroppedWithTheFrames) {
  for (const bool with_frames : {true, false}) {
    Append(Frame(std::string(100'000, 'x')));
    ASSERT_EQ(Send(), SendResult::kBlocked);
    outbox_->SetPendingPong(Frame("pong", Opcode::kPong));
    if (with_frames) {
      outbox_->DropUnsentFrames();
    } else {
      outbox_->DropPendingPong();
    }
    EXPECT_EQ(Payloads(Receive())->size(), 1u);
  }
}

TEST_F(OutboxTest, OneThatHasGrownLargeIsNotKeptForTheNextSession) {
  Append(Frame("small"));
  Receive();
  EXPECT_TRUE(outbox_->Recycle());
  Append(Frame(std::string(100'000, 'x')));
  Receive();
  EXPECT_FALSE(outbox_->Recycle());
}

TEST_F(OutboxTest, ARecycledOneBeginsWithAnotherSessionsHttpAnswer) {
  Append(Frame("of the last session"));
  Receive();
  ASSERT_TRUE(outbox_->Recycle());
  AppendHttp("HTTP/1.1 101\r\n\r\n");
  Append(Frame("hi"));
  outbox_->DropUnsentFrames();
  EXPECT_EQ(Receive(), "HTTP/1.1 101\r\n\r\n");
}

// Shared frames are charged to a budget of their own here, so that what the outbox itself holds can
// be told from them.
class OutboxWithSharedFrames : public OutboxTest {
 protected:
  SharedFrame Shared(size_t payload_bytes, char fill = 's') {
    return SharedFrame::Make({MessageType::kText, std::string(payload_bytes, fill)}, frames_);
  }
  void AppendShared(const SharedFrame& frame) {
    ASSERT_TRUE(budget_.Take(Outbox::kReferenceBytes));
    outbox_->AppendShared(frame);
  }
  // Reads and sends until all has arrived.
  std::string ReceiveAll() {
    size_t sent = 0;
    std::string stream = sockets_.Read();
    while (SendFrom(*outbox_, sockets_.fd(), sent) == SendResult::kBlocked)
      stream += sockets_.Read();
    return stream + sockets_.Read();
  }
  void SendUntilBlocked() {
    size_t sent = 0;
    ASSERT_EQ(SendFrom(*outbox_, sockets_.fd(), sent), SendResult::kBlocked);
    sent_ += sent;
  }

  ByteBudget frames_{64 * 1024 * 1024};
};

TEST_F(OutboxWithSharedFrames, SendsThemInOrderWithItsOwn) {
  const SharedFrame a = Shared(600, 'a');
  const SharedFrame b = Shared(70'000, 'b');
  AppendHttp("HTTP/1.1 101\r\n\r\n");
  AppendShared(a);
  Append(Frame("one"));
  AppendShared(b);
  AppendShared(a);
  Append(Frame("two"));
  Append(Frame("three"));
  EXPECT_EQ(outbox_->bytes(), 16 + 2 * 604u + 70'010 + 5 + 5 + 7);
  std::string expected = "HTTP/1.1 101\r\n\r\n";
  expected.append(a.bytes()).append(Frame("one")).append(b.bytes()).append(a.bytes());
  expected.append(Frame("two")).append(Frame("three"));
  EXPECT_TRUE(ReceiveAll() == expected);
  EXPECT_TRUE(outbox_->empty());
  EXPECT_EQ(budget_.used(), 0u);
}

TEST_F(OutboxWithSharedFrames, AreChargedByReferenceAndLetGoOneByOne) {
  for (int i = 0; i < 10; ++i) AppendShared(Shared(100'000));
  EXPECT_EQ(budget_.used(), 10 * Outbox::kReferenceBytes);
  EXPECT_EQ(frames_.used(), 10 * 100'010u);
  std::string stream;
  size_t held = 10;
  while (held > 0) {
    size_t sent = 0;
    SendFrom(*outbox_, sockets_.fd(), sent);
    sent_ += sent;
    held = 10 - sent_ / 100'010;
    ASSERT_EQ(frames_.used(), held * 100'010);
    ASSERT_EQ(budget_.used(), held * Outbox::kReferenceBytes);
    ASSERT_EQ(outbox_->bytes(), 10 * 100'010 - sent_);
    stream += sockets_.Read();
  }
  EXPECT_EQ(Payloads(stream), std::vector<std::string>(10, std::string(100'000, 's')));
}

TEST_F(OutboxWithSharedFrames, AreGivenBackWithAnOutboxThatWasNotSent) {
  AppendShared(Shared(100'000));
  AppendShared(Shared(100'000));
  Append(Frame("mine"));
  SendUntilBlocked();
  outbox_.reset();
  EXPECT_EQ(frames_.used(), 0u);
  EXPECT_EQ(budget_.used(), 0u);
}

TEST_F(OutboxWithSharedFrames, DroppingKeepsTheOneThatIsUnderWayAndNothingElse) {
  Append(Frame("first"));
  AppendShared(Shared(900'000, 'a'));
  Append(Frame("second"));
  AppendShared(Shared(900'000, 'b'));
  SendUntilBlocked();
  outbox_->DropUnsentFrames();
  EXPECT_EQ(frames_.used(), 900'010u);
  EXPECT_EQ(budget_.used(), Outbox::kReferenceBytes);
  Append(Frame("close", Opcode::kClose));
  EXPECT_EQ(Payloads(ReceiveAll()),
            (std::vector<std::string>{"first", std::string(900'000, 'a'), "close"}));
}

TEST_F(OutboxWithSharedFrames, DroppingInsideOfAnOwnFrameDropsThemAll) {
  Append(Frame(std::string(900'000, 'x')));
  AppendShared(Shared(1'000));
  Append(Frame("behind"));
  SendUntilBlocked();
  outbox_->DropUnsentFrames();
  EXPECT_EQ(frames_.used(), 0u);
  Append(Frame("close", Opcode::kClose));
  EXPECT_EQ(Payloads(ReceiveAll()), (std::vector<std::string>{std::string(900'000, 'x'), "close"}));
}

TEST_F(OutboxWithSharedFrames, DroppingBeforeAnythingIsSentKeepsTheHttpAnswer) {
  AppendHttp("HTTP/1.1 101\r\n\r\n");
  AppendShared(Shared(1'000));
  outbox_->DropUnsentFrames();
  EXPECT_EQ(frames_.used(), 0u);
  EXPECT_EQ(ReceiveAll(), "HTTP/1.1 101\r\n\r\n");
}

TEST_F(OutboxWithSharedFrames, APongThatWaitsComesBehindThem) {
  AppendShared(Shared(900'000));
  SendUntilBlocked();
  outbox_->SetPendingPong(Frame("pong", Opcode::kPong));
  AppendShared(Shared(1'000, 't'));
  EXPECT_EQ(Payloads(ReceiveAll()),
            (std::vector<std::string>{std::string(900'000, 's'), std::string(1'000, 't'), "pong"}));
}

TEST_F(OutboxWithSharedFrames, LeaveNothingBehindForTheNextSession) {
  for (int i = 0; i < 100; ++i) AppendShared(Shared(600));
  ReceiveAll();
  ASSERT_TRUE(outbox_->Recycle());
  Append(Frame("hi"));
  EXPECT_EQ(ReceiveAll(), Frame("hi"));
}

// A client that always reads a little and never all: what is sent is given back while the rest
// waits, which must not lose the place where a frame begins.
TEST_F(OutboxWithSharedFrames, AnyMixtureOfSendsReadsAndDropsGivesTheStreamThatAModelExpects) {
  const char* fixed = std::getenv("LONGWIRE_TEST_SEED");
  const uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "LONGWIRE_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    SocketPair sockets;
    Outbox outbox(budget_);
    StreamModel model(random() % 2'000);
    budget_.TakeAnyway(model.wire.size());
    outbox.AppendHttpAnswer(model.wire);
    const uint64_t shared_percent = (round % 3) * 20;  // None, some, most.
    std::string received;
    for (int step = 0; step < 600; ++step) {
      const uint64_t what = random() % 100;
      if (what < 45) {
        const size_t payload_bytes = random() % (random() % 30 ? 400 : 80'000);
        const char fill = static_cast<char>('a' + step % 26);
        if (what < shared_percent) {
          const SharedFrame frame = Shared(payload_bytes, fill);
          budget_.TakeAnyway(Outbox::kReferenceBytes);
          outbox.AppendShared(frame);
          model.Append(frame.bytes(), true);
        } else {
          const std::string frame = Frame(std::string(payload_bytes, fill));
          budget_.TakeAnyway(frame.size());
          // In one call or in two, as a header and a payload.
          const size_t header = random() % 2 == 0 ? 0 : 2;
          outbox.Append(std::string_view(frame).substr(0, header));
          outbox.Append(std::string_view(frame).substr(header));
          model.Append(frame, false);
        }
      } else if (what < 75) {
        size_t now_sent = 0;
        ASSERT_NE(SendFrom(outbox, sockets.fd(), now_sent), SendResult::kBroken);
        model.sent += now_sent;
      } else if (what < 98) {
        received += sockets.Read(random() % 20'000);
      } else {
        outbox.DropUnsentFrames();
        model.DropUnsent();
      }
      ASSERT_EQ(outbox.bytes(), model.wire.size() - model.sent) << "seed " << seed;
      ASSERT_EQ(budget_.used(), model.charged()) << "seed " << seed;
      ASSERT_EQ(frames_.used(), model.referred()) << "seed " << seed;
    }
    size_t now_sent = 0;
    while (SendFrom(outbox, sockets.fd(), now_sent) == SendResult::kBlocked)
      received += sockets.Read();
    received += sockets.Read();
    ASSERT_TRUE(received == model.wire) << "seed " << seed;
  }
}

TEST(ByteBudget, WhatGoesOverTheBoundIsRefusedAndChargesNothing) {
  ByteBudget budget(100);
  EXPECT_TRUE(budget.Take(60));
  EXPECT_FALSE(budget.Take(41));
  EXPECT_EQ(budget.used(), 60u);
  EXPECT_TRUE(budget.Take(40));
  EXPECT_FALSE(budget.Take(1));
  budget.TakeAnyway(27);
  EXPECT_EQ(budget.used(), 127u);
  EXPECT_TRUE(budget.is_exceeded());
  EXPECT_FALSE(budget.Take(0)) << "it is over already";
  budget.Give(127);
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_TRUE(budget.Take(100));
}

TEST(ByteBudget, ThreadsTogetherNeverHoldMoreThanItAllows) {
  ByteBudget budget(1'000);
  std::atomic<size_t> held{0};
  std::atomic<bool> was_over{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!budget.Take(300)) continue;
        if (held.fetch_add(300) + 300 > 1'000) was_over = true;
        held.fetch_sub(300);
        budget.Give(300);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(was_over);
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace longwire
