#include "server/api/courier.h"

#include <pthread.h>
#include <sched.h>

#include <utility>

namespace longwire {
namespace {

// Where no core is idle, a thread that is woken usually takes the place of the one that has woken
// it: here of a loop that is in the middle of its turn, whose clients would then wait for a write
// to gRPC. A thread of this policy waits its turn, and finds more to do in one go. Where a core is
// idle nothing changes. If the system refuses, it stays as it was.
void GiveWayToLoops() {
  const sched_param priority{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &priority);
}

}  // namespace

Courier::Courier() : thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "courier");
}

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

void Courier::Tick() {
  absl::MutexLock lock(&mutex_);
  is_tick_due_ = true;
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
  GiveWayToLoops();
  std::vector<Task> tasks;
  bool is_ending = false;
  while (!is_ending) {
    bool has_log_grown, is_tick_due;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Courier::HasWork));
      tasks.swap(tasks_);
      has_log_grown = std::exchange(has_log_grown_, false);
      is_tick_due = std::exchange(is_tick_due_, false);
      is_ending = is_ending_;
      // Lowered before the streams read the log: growth after this is told anew.
      if (has_log_grown) growth_told_.store(false);
    }
    for (Task& task : tasks) task();
    tasks.clear();
    if (!has_log_grown && !is_tick_due) continue;
    for (const auto& stream : streams()) {
      if (is_tick_due) stream->Tick();
      stream->Pump();
    }
  }
}

}  // namespace longwire
