#include "server/api/route_stream.h"

#include <fmt/format.h>

#include <utility>

#include "server/api/status.h"
#include "server/base/limits.h"

namespace longwire {

RouteStream* RouteStream::Start(Hub& hub, const ProtocolProvider& protocol,
                                const PushLimits& limits, Courier& courier, Metrics& metrics,
                                grpc::CallbackServerContext& context, Slots::Slot slot) {
  std::shared_ptr<RouteStream> stream(
      new RouteStream(hub, protocol, limits, courier, metrics, context, std::move(slot)));
  stream->self_ = stream;
  stream->Advance(MayRead::kYes);
  return stream.get();
}

void RouteStream::Advance(MayRead may_read) {
  enum class Step { kNone, kWrite, kRead, kFinish };
  // At most one write and one read begin here: nothing else can make room for a second.
  for (int i = 0; i < 2; ++i) {
    Step step = Step::kNone;
    v1::RouteStreamResponse* answer = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      if (is_finished_) return;
      const bool is_over = is_broken_ || (has_ended_ && bytes_in_flight_ == 0);
      if (is_over && !is_writing_) {
        is_finished_ = true;
        step = Step::kFinish;
      } else if (!is_writing_ && !answers_.empty() && !is_broken_) {
        is_writing_ = true;
        answer = &answers_.front().response;
        step = Step::kWrite;
      } else if (may_read == MayRead::kYes && !is_reading_ && !has_ended_ && !is_broken_ &&
                 HasRoomForABatch()) {
        is_reading_ = true;
        step = Step::kRead;
      }
    }
    switch (step) {
      case Step::kNone:
        return;
      case Step::kWrite:
        StartWrite(answer);
        break;
      case Step::kRead:
        Read();
        break;
      case Step::kFinish:
        Finish(EndStatus());
        return;
    }
  }
}

bool RouteStream::HasRoomForABatch() const {
  // With none under way no answer would come that has the next one read.
  if (bytes_in_flight_ == 0) return true;
  return bytes_in_flight_ < kRouteStreamBytesInFlightMax && !hub_.IsAnyLoopBehind();
}

grpc::Status RouteStream::EndStatus() {
  absl::MutexLock lock(&mutex_);
  return refusal_ ? Refuse(*refusal_, context_, metrics_) : grpc::Status::OK;
}

void RouteStream::Read() {
  reading_ = std::make_shared<Batch>();
  StartRead(&reading_->request);
}

void RouteStream::OnReadDone(bool ok) {
  if (!ok) {
    {
      absl::MutexLock lock(&mutex_);
      is_reading_ = false;
      has_ended_ = true;
    }
    Advance(MayRead::kYes);
    return;
  }
  std::shared_ptr<Batch> batch = std::move(reading_);
  const size_t bytes = batch->request.ByteSizeLong();
  if (bytes > kRouteBatchBytesMax || batch->request.routes_size() > kRoutesPerBatchMax) {
    absl::MutexLock lock(&mutex_);
    // The answers that are still due go out first.
    has_ended_ = true;
    refusal_ = {
        Reason::kBatchTooBig,
        fmt::format("a batch has at most {} bytes and {} routes, this one has {} and {}",
                    kRouteBatchBytesMax, kRoutesPerBatchMax, bytes, batch->request.routes_size())};
  } else {
    Dispatch(std::move(batch), bytes);
  }
  {
    absl::MutexLock lock(&mutex_);
    is_reading_ = false;
  }
  Advance(MayRead::kYes);
}

void RouteStream::Dispatch(std::shared_ptr<Batch> batch, size_t request_bytes) {
  batch->job = std::make_shared<RouteJob>(hub_, protocol_, limits_);
  for (const v1::RouteRequest& route : batch->request.routes()) batch->job->Add(route);
  batch->bytes = request_bytes + kRouteBatchOverheadBytes +
                 batch->job->size() * kRouteOverheadBytes + batch->job->bytes();
  {
    absl::MutexLock lock(&mutex_);
    bytes_in_flight_ += batch->bytes;
  }
  // Handed to the loops before the next read begins, so batches reach a session in their order.
  RouteJob::Run(batch->job, [self = self_, batch] {
    self->courier_.Post([self, batch] { self->Answer(*batch); });
  });
}

void RouteStream::Answer(const Batch& batch) {
  v1::RouteStreamResponse answer;
  answer.set_batch_id(batch.request.batch_id());
  uint32_t accepted = 0;
  for (size_t i = 0; i < batch.job->size(); ++i) {
    const std::optional<Refusal> refusal = batch.job->RefusalOf(i);
    if (!refusal) {
      ++accepted;
      continue;
    }
    metrics_.Refused(refusal->reason);
    v1::RouteFailure& failure = *answer.add_failures();
    failure.set_index(static_cast<uint32_t>(i));
    failure.set_code(static_cast<int32_t>(refusal->code()));
    failure.set_detail(refusal->ToString());
    failure.set_reason(std::string(ReasonName(refusal->reason)));
  }
  answer.set_accepted_count(accepted);
  {
    absl::MutexLock lock(&mutex_);
    answers_.push_back({std::move(answer), batch.bytes});
  }
  Advance(MayRead::kNo);
}

void RouteStream::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    is_writing_ = false;
    bytes_in_flight_ -= answers_.front().batch_bytes;
    answers_.pop_front();
    if (!ok) is_broken_ = true;
  }
  Advance(MayRead::kYes);
}

void RouteStream::OnCancel() {
  {
    absl::MutexLock lock(&mutex_);
    is_broken_ = true;
  }
  Advance(MayRead::kYes);
}

}  // namespace longwire
