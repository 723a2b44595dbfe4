#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"

namespace longwire {

// Small values by key that all nodes of a cluster agree on: who is in a group, who holds what, and
// how far it got. Each write says what it expects to find, so of two nodes that want the same thing
// one gets it and the other learns whose it is. For what changes now and then, not for each event.
//
// Keys are made of [A-Za-z0-9_.-] and '/'. Any thread calls it; everything it calls back comes on
// the one thread of its executor, never from within a call, and for one key in the order of its
// revisions.
class Registry {
 public:
  virtual ~Registry() = default;

  struct Entry {
    bool exists = false;
    std::string value;
    // Grows with each change of the registry, also over the erasure of a key. 0 = never written.
    uint64_t revision = 0;
  };

  // What a write came to: the entry as it is now, which after a refusal is somebody else's.
  struct Outcome {
    bool is_stored = false;
    Entry entry;
  };
  using Done = absl::AnyInvocable<void(Outcome)>;

  // Writes if the key stands at this revision (0: if it does not exist).
  virtual void Put(std::string key, std::string value, uint64_t expected_revision, Done done) = 0;
  // Erases if the key stands at this revision.
  virtual void Erase(std::string key, uint64_t expected_revision, Done done) = 0;

  // Ends when it goes: nothing is called back after that. REQUIRES: goes on the executor's thread.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  // Tells each key that begins with `prefix`: as it is now, and then each change.
  using Changed = absl::AnyInvocable<void(std::string_view key, const Entry& entry)>;
  virtual std::unique_ptr<Watch> WatchPrefix(std::string prefix, Changed changed) = 0;
};

}  // namespace longwire
