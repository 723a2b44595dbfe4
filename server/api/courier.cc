#include "server/api/courier.h"

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace longwire {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);

}  // namespace

Courier::Courier(Task tick) : tick_(std::move(tick)), thread_([this] { Run(); }) {}

Courier::~Courier() {
  {
    absl::MutexLock lock(&mutex_);
    is_ending_ = true;
  }
  thread_.join();
}

void Courier::Post(Task task) {
  absl::MutexLock lock(&mutex_);
  tasks_.push_back(std::move(task));
}

void Courier::LogGrew() {
  if (growth_told_.exchange(true)) return;
  absl::MutexLock lock(&mutex_);
  has_log_grown_ = true;
}

void Courier::Add(std::shared_ptr<CourierStream> stream) {
  absl::MutexLock lock(&mutex_);
  streams_.insert(std::move(stream));
}

void Courier::Remove(const std::shared_ptr<CourierStream>& stream) {
  absl::MutexLock lock(&mutex_);
  streams_.erase(stream);
}

std::vector<std::shared_ptr<CourierStream>> Courier::streams() {
  absl::MutexLock lock(&mutex_);
  return {streams_.begin(), streams_.end()};
}

void Courier::Run() {
  absl::Time next_tick = absl::Now() + kTick;
  std::vector<Task> tasks;
  bool is_ending = false;
  while (!is_ending) {
    bool has_log_grown;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithDeadline(absl::Condition(this, &Courier::HasWork), next_tick);
      tasks.swap(tasks_);
      has_log_grown = std::exchange(has_log_grown_, false);
      is_ending = is_ending_;
      // Lowered before the streams read the log: growth after this is told anew.
      if (has_log_grown) growth_told_.store(false);
    }
    for (Task& task : tasks) task();
    tasks.clear();
    const bool is_tick_due = absl::Now() >= next_tick;
    if (!has_log_grown && !is_tick_due) continue;
    for (const auto& stream : streams()) {
      if (is_tick_due) stream->Tick();
      stream->Pump();
    }
    if (is_tick_due) {
      tick_();
      next_tick = absl::Now() + kTick;
    }
  }
}

}  // namespace longwire
