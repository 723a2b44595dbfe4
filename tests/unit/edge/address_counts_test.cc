#include "server/edge/address_counts.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace longwire {
namespace {

RemoteAddress At(const std::string& text) {
  return RemoteAddress::Parse(text).value();
}

TEST(AddressCounts, CountsEachAddressByItself) {
  AddressCounts counts;
  EXPECT_EQ(counts.Add(At("192.0.2.1:1000")), 1u);
  EXPECT_EQ(counts.Add(At("192.0.2.1:2000")), 2u) << "whatever the port";
  EXPECT_EQ(counts.Add(At("192.0.2.2:1000")), 1u);
  EXPECT_EQ(counts.Remove(At("192.0.2.1:3000")), 1u);
  EXPECT_EQ(counts.Remove(At("192.0.2.1:3000")), 0u);
  EXPECT_EQ(counts.Add(At("192.0.2.1:1000")), 1u);
}

TEST(AddressCounts, CountsAnIpv6NetworkOfOneCustomerAsOne) {
  AddressCounts counts;
  EXPECT_EQ(counts.Add(At("[2001:db8:1:2::1]:1")), 1u);
  EXPECT_EQ(counts.Add(At("[2001:db8:1:2:ffff::]:1")), 2u);
  EXPECT_EQ(counts.Add(At("[2001:db8:1:3::1]:1")), 1u);
}

TEST(AddressCounts, TakesAnIpv4AddressInIpv6ForWhatItIs) {
  AddressCounts counts;
  EXPECT_EQ(counts.Add(At("192.0.2.1:1")), 1u);
  EXPECT_EQ(counts.Add(At("[::ffff:192.0.2.1]:1")), 2u);
}

TEST(AddressCounts, ComesOutEvenWhateverTheThreadsDo) {
  AddressCounts counts;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&counts] {
      for (int i = 0; i < 10'000; ++i) {
        counts.Add(At("192.0.2.1:1"));
        counts.Remove(At("192.0.2.1:1"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counts.Add(At("192.0.2.1:1")), 1u);
}

}  // namespace
}  // namespace longwire
