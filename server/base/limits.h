#pragma once

#include <cstddef>
#include <cstdint>

// Every bound that is not an option, each with its unit last. Options have their bounds in
// server/app/options.cc; what both need stands here.
namespace longwire {

// Sessions and messages.
inline constexpr size_t kUidBytesMax = 128;
inline constexpr size_t kAttributesBytesMax = 4 * 1024;
// Of a topic or a consumer group.
inline constexpr size_t kNameBytesMax = 64;
inline constexpr size_t kTopicsPerSessionMax = 64;
// A broadcast's frame up to this size is copied into each outbox, which then goes out in one send
// with what is around it; a larger one is held once for all.
inline constexpr size_t kCopiedFrameBytesMax = 512;
// An event with the largest message still has to fit one response and one engine write of 1 MiB.
inline constexpr size_t kEventOverheadBytesMax = 32 * 1024;
inline constexpr size_t kMessageBytesMaxMax = 1024 * 1024 - kEventOverheadBytesMax;
inline constexpr size_t kCloseReasonBytesMax = 123;  // RFC 6455 5.5: 125 less the code.

// How often files that may be replaced while the gateway runs - certificates, keys, tokens - are
// looked at.
inline constexpr int64_t kFileWatchMillis = 1'000;
// How long anybody waits for such a file to be read, once the gateway runs.
inline constexpr int64_t kFileReloadMillisMax = 1'000;
inline constexpr size_t kCertificateFileBytesMax = 1024 * 1024;

// The edge.
inline constexpr size_t kRequestHeaderBytesMax = 16 * 1024;
// A version 2 PROXY header with what balancers add to it - the server's name, a request ID, what
// TLS told of the client - has well below 1 KiB; its format would allow 64 KiB.
inline constexpr size_t kProxyHeaderBytesMax = 4 * 1024;
// Proxies that one request may have come through.
inline constexpr int kForwardedHopsMax = 32;
inline constexpr size_t kReadBufferBytes = 64 * 1024;
inline constexpr int kAcceptsPerTurnMax = 64;
inline constexpr int kListenBacklog = 4096;
inline constexpr size_t kHandshakesPerLoopMax = 4096;
// The ClientHellos of browsers have 0.5 to 2 KiB.
inline constexpr size_t kClientHelloBytesMax = 16 * 1024;
// With TLS a client that stops in the middle holds some 50 KB of OpenSSL's.
inline constexpr size_t kTlsHandshakesPerLoopMax = 1024;
inline constexpr int64_t kAcceptBackoffMillis = 100;
// Pings that a client gets a pong to each. Of more, those that come together get one, the newest's
// (RFC 6455 5.5.3), so a flood of pings costs little more than to read it.
inline constexpr uint32_t kPongsPerSecondMax = 100;
// From our Close to the cut, and how often it is prolonged for a client that still takes what was
// queued before.
inline constexpr int64_t kCloseWaitMillis = 5'000;
inline constexpr int kCloseWaitsMax = 6;
// From our last byte to the cut, when the client is not expected to say anything that counts.
inline constexpr int64_t kLingerMillis = 1'000;
// What the kernel may hold unsent for one client: beyond it is the outbox's, where it is bounded.
inline constexpr int kTcpNotSentBytesMax = 128 * 1024;
inline constexpr int kTcpUserTimeoutMillis = 60'000;
inline constexpr int kTcpKeepaliveIdleSeconds = 60;
inline constexpr int kTcpKeepaliveIntervalSeconds = 15;
inline constexpr uint32_t kRetryAfterSeconds = 2;
// A process needs descriptors for other things than clients: listeners, gRPC, logs, the engine.
inline constexpr size_t kDescriptorsReserved = 128;

// --auth=jwt. A request's head is bounded by 16 KiB, of which a token is the most part.
inline constexpr size_t kJwtBytesMax = 8 * 1024;
inline constexpr size_t kJwtKeysMax = 16;
inline constexpr size_t kJwtKeyFileBytesMax = 256 * 1024;
// How far the clocks of whoever issues tokens and of the gateway may be apart.
inline constexpr int64_t kJwtLeewayMillis = 5'000;
// RFC 7518 3.2 and 3.3.
inline constexpr size_t kJwtSecretBytesAdvised = 32;
inline constexpr int kJwtRsaBitsMin = 2048;

// The event loop.
inline constexpr int kReadyEventsPerTurnMax = 256;
inline constexpr int64_t kTimerTickMillis = 50;
inline constexpr int64_t kTimerMillisMax = int64_t{365} * 24 * 3'600'000;
// What gRPC callers may have waiting for one loop; beyond it they are told to come back.
inline constexpr size_t kInboxBytesMax = 64 * 1024 * 1024;

// The event log and its streams.
inline constexpr size_t kResponseBytesMax = 1024 * 1024;
inline constexpr size_t kLogSegmentBytesMax = 1024 * 1024;
inline constexpr size_t kEventsScannedPerReadMax = 100'000;
// Looked at once a second, so one comes at least every 15 s.
inline constexpr int64_t kStreamHeartbeatMillis = 14'000;
inline constexpr int64_t kTickMillis = 1'000;
// A batch of a loop's events goes to the log when it is this large, without waiting for the turn.
inline constexpr size_t kEventBatchBytesMax = 1024 * 1024;
// Streams of the whole process; one more is told GATEWAY_BUSY. A subscriber that does not read pins
// a response, a RouteStream its batches, and a snapshot all live sessions.
inline constexpr int kSubscriptionsMax = 1'024;
inline constexpr int kRouteStreamsMax = 1'024;
inline constexpr int kSnapshotsMax = 16;

// Consumer groups. A group costs its partitions' places, in use or not.
inline constexpr uint32_t kPartitionsMax = 1'024;
inline constexpr size_t kGroupsMax = 1'024;
inline constexpr size_t kGroupMembersMax = 256;
inline constexpr uint32_t kUnackedEventsDefault = 1'000;
inline constexpr uint32_t kUnackedEventsMax = 100'000;
inline constexpr int64_t kAckTimeoutMillisDefault = 30'000;
inline constexpr int64_t kAckTimeoutMillisMax = 24 * 3'600'000;

// The gRPC contract.
// What the batches of one RouteStream that are under way may stand for, with what each route costs
// beside its bytes. The more batches a loop finds in a turn, the more of a session's messages leave
// in one send; this is enough for some 4,000 small ones.
inline constexpr size_t kRouteStreamBytesInFlightMax = 2 * 1024 * 1024;
inline constexpr size_t kRouteBatchOverheadBytes = 1024;
inline constexpr size_t kRouteOverheadBytes = 256;
inline constexpr size_t kRouteBatchBytesMax = 4 * 1024 * 1024;
// Bounds the answer: a failure of each route still fits what a client takes by default, 4 MiB.
inline constexpr int kRoutesPerBatchMax = 16'384;
// What gRPC itself takes: more than a batch may have, so that we can say what is wrong with it.
inline constexpr size_t kGrpcMessageBytesMax = kRouteBatchBytesMax + 1024 * 1024;
inline constexpr int kGrpcClientPingIntervalMillisMin = 10'000;
inline constexpr int kGrpcStreamsPerConnectionMax = 4096;
inline constexpr int kGrpcKeepaliveMillis = 20'000;
inline constexpr int kGrpcKeepaliveTimeoutMillis = 10'000;

// The bearer tokens of callers, in their file.
inline constexpr size_t kCallerTokenBytesMax = 4 * 1024;
inline constexpr size_t kCallerTokenFileBytesMax = 256 * 1024;

// Broadcasts under way at once. While it runs each holds the IDs of its audience.
inline constexpr int kBroadcastsMax = 128;
// What a broadcast gives the outboxes of a loop in one turn, until the turn's other work is due.
inline constexpr size_t kBroadcastSliceSessionsMax = 1'024;
inline constexpr size_t kBroadcastSliceBytesMax = 4 * 1024 * 1024;
// Each page of a listing looks through all sessions.
inline constexpr int kListingsMax = 16;
inline constexpr size_t kPageSizeDefault = 100;
inline constexpr size_t kPageSizeMax = 1'000;
// Well below the 4 MiB that a gRPC client takes by default.
inline constexpr size_t kPageBytesMax = 1024 * 1024;

// Drain.
inline constexpr int64_t kDrainSessionsPerSecondMin = 100;
inline constexpr int64_t kDrainDeliveryMillisMax = 4'000;

}  // namespace longwire
