#pragma once

#include <cstddef>
#include <cstdint>

namespace longwire {

// Has the allocator give large blocks back to the system as soon as they are freed. By itself it
// learns from the first full outbox that a megabyte is nothing special, and keeps what a flood has
// needed: tests/hostile saw 22 MB more after each of two equal attacks, and 1 MB with this. For the
// process, so it is main's to call.
void GiveBackLargeBlocks();

// Debian builds Abseil with its search for lock cycles on, which costs some 3 % of a busy gateway,
// most of it in gRPC's locks, and ends the process when it suspects something. A Debug build keeps
// it. For the process, so it is main's to call.
void StopSearchForLockCycles();

// What this process may use of the machine.

// Memory in bytes: the machine's, or the control group's when that is less.
size_t MemoryBytes();
// Raises the limit on open files as far as it goes and returns it.
size_t RaiseFileLimit();
// Cores this process may run on.
uint32_t Cores();

}  // namespace longwire
