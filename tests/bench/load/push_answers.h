#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "tests/bench/load/backend.h"

namespace longwire::bench {

// What the server has said of the pushes so far. Any thread.
class PushAnswers {
 public:
  void Accept(uint64_t count) {
    const std::lock_guard lock(mutex_);
    accepted_ += count;
  }

  void Refuse(const std::string& reason, uint64_t count) {
    std::function<void(uint64_t)> on_refused;
    {
      const std::lock_guard lock(mutex_);
      refused_[reason] += count;
      on_refused = on_refused_;
    }
    if (on_refused) on_refused(count);
  }

  void OnRefused(std::function<void(uint64_t)> callback) {
    const std::lock_guard lock(mutex_);
    on_refused_ = std::move(callback);
  }

  void FillIn(BackendCounts& counts) {
    const std::lock_guard lock(mutex_);
    counts.accepted = accepted_;
    counts.refused = refused_;
  }

 private:
  std::mutex mutex_;
  uint64_t accepted_ = 0;
  std::map<std::string, uint64_t> refused_;
  std::function<void(uint64_t)> on_refused_;
};

}  // namespace longwire::bench
