#pragma once

#include <openssl/crypto.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace longwire {

// Wipes what it takes back.
template <typename T>
struct CleansingAllocator {
  using value_type = T;

  CleansingAllocator() = default;
  template <typename U>
  CleansingAllocator(const CleansingAllocator<U>&) {}

  T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, size_t count) {
    OPENSSL_cleanse(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }

  template <typename U>
  bool operator==(const CleansingAllocator<U>&) const {
    return true;
  }
};

// Bytes that nobody finds in memory once they are dropped. A vector and not a string: a string
// keeps short contents in itself, where no allocator sees them.
using SecretBytes = std::vector<unsigned char, CleansingAllocator<unsigned char>>;

inline std::string_view AsText(const SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace longwire
