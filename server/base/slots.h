#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace longwire {

// A bounded number of places. Any thread; must outlive what was taken.
class Slots {
 public:
  explicit Slots(int slots_max) : free_(slots_max) {}
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // A place, given back when it goes.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(slots_, other.slots_);
      return *this;
    }
    ~Slot() { GiveBack(); }
    void GiveBack() {
      if (slots_ != nullptr) std::exchange(slots_, nullptr)->free_.fetch_add(1);
    }
    explicit operator bool() const { return slots_ != nullptr; }

   private:
    friend class Slots;
    explicit Slot(Slots* slots) : slots_(slots) {}
    Slots* slots_ = nullptr;
  };

  // An empty Slot when all are taken.
  [[nodiscard]] Slot Take() {
    if (free_.fetch_sub(1) > 0) return Slot(this);
    free_.fetch_add(1);
    return Slot();
  }

 private:
  std::atomic<int> free_;
};

}  // namespace longwire
