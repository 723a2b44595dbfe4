#pragma once

#include <cstddef>
#include <cstdint>

namespace longwire {

// What this process may use of the machine.

// Memory in bytes: the machine's, or the control group's when that is less.
size_t MemoryBytes();
// Raises the limit on open files as far as it goes and returns it.
size_t RaiseFileLimit();
// Cores this process may run on.
uint32_t Cores();

}  // namespace longwire
