#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace longwire::bench {

// Bounds what is on its way: the publisher takes one credit for each push and waits when there are
// none; whoever learns the fate of a push gives its credit back. Any thread.
class Credit {
 public:
  explicit Credit(uint64_t outstanding_max) : outstanding_max_(outstanding_max) {}

  // Waits until `count` more may be outstanding. False once Stop() was called.
  // REQUIRES: count <= outstanding_max.
  [[nodiscard]] bool Take(uint64_t count) {
    std::unique_lock lock(mutex_);
    wanted_ = count;
    changed_.wait(lock, [&] { return stopped_ || outstanding_ + count <= outstanding_max_; });
    wanted_ = 0;
    if (stopped_) return false;
    outstanding_ += count;
    return true;
  }

  void Give(uint64_t count) {
    bool enough = false;
    {
      const std::lock_guard lock(mutex_);
      outstanding_ -= count;
      // The publisher is woken for a whole batch, not for each push.
      enough = wanted_ != 0 && outstanding_ + wanted_ <= outstanding_max_;
    }
    if (enough) changed_.notify_one();
  }

  // Ends all waiting.
  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }

  uint64_t Outstanding() {
    const std::lock_guard lock(mutex_);
    return outstanding_;
  }

 private:
  const uint64_t outstanding_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t outstanding_ = 0;
  uint64_t wanted_ = 0;
  bool stopped_ = false;
};

}  // namespace longwire::bench
