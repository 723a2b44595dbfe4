#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "server/base/byte_budget.h"
#include "server/core/message.h"

namespace longwire {

// A whole WebSocket frame, header and all, that any number of outboxes hold together. It never
// changes; copying it copies a pointer. The budget is charged with its bytes once, from Make until
// the last copy is gone, however many hold it. Any thread.
class SharedFrame {
 public:
  // Null when the budget has no room for it. The budget must outlive every copy.
  static SharedFrame Make(MessageView message, ByteBudget& budget);

  // Null.
  SharedFrame() = default;
  explicit operator bool() const { return body_ != nullptr; }

  // REQUIRES for the rest: not null.
  std::string_view bytes() const { return body_->bytes; }
  size_t size() const { return body_->bytes.size(); }

 private:
  struct Body {
    explicit Body(ByteBudget& charged) : budget(charged) {}
    ~Body() { budget.Give(bytes.size()); }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    ByteBudget& budget;
    std::string bytes;
  };

  explicit SharedFrame(std::shared_ptr<const Body> body) : body_(std::move(body)) {}

  std::shared_ptr<const Body> body_;
};

}  // namespace longwire
