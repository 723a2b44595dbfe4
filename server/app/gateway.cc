#include "server/app/gateway.h"

#include <fmt/format.h>
#include <grpcpp/health_check_service_interface.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "server/admin/health_routes.h"
#include "server/admin/metrics_page.h"
#include "server/api/courier.h"
#include "server/api/gateway_service.h"
#include "server/app/demo_page.h"
#include "server/app/drain.h"
#include "server/app/file_reloader.h"
#include "server/app/grpc_server.h"
#include "server/app/machine.h"
#include "server/app/providers.h"
#include "server/app/secrets.h"
#include "server/app/units.h"
#include "server/base/limits.h"
#include "server/base/loop.h"
#include "server/edge/edge.h"
#include "server/edge/listener.h"
#include "server/engine/local_event_log.h"
#include "server/engine/local_registry.h"
#include "server/events/consumer_groups.h"
#include "server/hub/hub.h"

namespace longwire {
namespace {

constexpr std::chrono::milliseconds kShutdownGrace{300};
constexpr char kServiceName[] = "longwire.v1.Gateway";
constexpr char kEdgeName[] = "longwire.edge";

// Names this boot's log: a cursor of another boot is told by it.
std::string NewLogId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

size_t SessionsMax(const Options& options) {
  const size_t files = RaiseFileLimit();
  const size_t possible =
      files > 2 * kDescriptorsReserved ? files - kDescriptorsReserved : files / 2;
  if (options.sessions_max == 0) return possible;
  if (options.sessions_max > possible) {
    spdlog::warn("--sessions-max is {}, but the file limit allows {} (ulimit -n is {})",
                 options.sessions_max, possible, files);
  }
  return options.sessions_max;
}

size_t TotalBytesMax(const Options& o) {
  return o.outbox_total_bytes_max != 0 ? o.outbox_total_bytes_max : MemoryBytes() / 4;
}

EdgeOptions MakeEdgeOptions(const Options& o) {
  std::vector<AddressRange> trusted_proxies;
  for (const std::string& range : o.trusted_proxies) {
    trusted_proxies.push_back(*AddressRange::Parse(range));
  }
  return {.handshake = {.ws_path = o.ws_path,
                        .subprotocols = o.ws_subprotocols,
                        .origins = *OriginPatterns::Parse(o.allowed_origins)},
          .auth_at_message = o.auth_at == AuthAt::kMessage,
          .handshake_timeout_millis = o.handshake_timeout_millis,
          .auth_timeout_millis = o.auth_timeout_millis,
          .keepalive_timeout_millis = o.keepalive_timeout_millis,
          .slow_consumer_timeout_millis = o.slow_consumer_timeout_millis,
          .message_bytes_max = o.message_bytes_max,
          .outbox_bytes_max = o.outbox_bytes_max,
          .sessions_max = SessionsMax(o),
          .sessions_per_ip_max = o.sessions_per_ip_max,
          .messages_per_second_max = o.messages_per_second_max,
          .bytes_per_second_max = o.bytes_per_second_max,
          .trusted_proxies = std::move(trusted_proxies)};
}

uint32_t LoopCount(const Options& o) {
  return o.threads != 0 ? o.threads : std::min(Cores(), kShardsMax);
}

std::vector<std::unique_ptr<Loop>> MakeLoops(uint32_t count, const Clock& clock) {
  std::vector<std::unique_ptr<Loop>> loops;
  for (uint32_t i = 0; i < count; ++i) loops.push_back(std::make_unique<Loop>(i, clock));
  return loops;
}

// Calls `tick` about once a second, on a loop's thread.
class Ticker final : public Loop::Handler {
 public:
  Ticker(Loop& loop, Loop::Task tick) : loop_(loop), tick_(std::move(tick)) {
    loop_.Schedule(*this, loop_.now_millis() + kTickMillis);
  }

 private:
  void OnReady(uint32_t) override {}
  void OnTimer() override {
    tick_();
    loop_.Schedule(*this, loop_.now_millis() + kTickMillis);
  }

  Loop& loop_;
  Loop::Task tick_;
};

}  // namespace

class Gateway::Impl {
 public:
  // `reloader` has the files of the providers already.
  Impl(const Options& options, Providers providers, Secrets secrets,
       std::unique_ptr<FileReloader> reloader, const Clock& clock);
  ~Impl();

  absl::Status Open();
  void Drain();
  void HurryDrain() { drainer_.Hurry(); }
  void ReloadFiles() { reloader_->ReloadAll(); }
  const Endpoints& endpoints() const { return endpoints_; }

 private:
  HttpPort WsPort();
  HttpPort AdminPort();
  absl::Status OpenListener(const std::string& listen, const char* option, HttpPort port,
                            std::string& endpoint);
  void StartThreads();
  bool IsEverythingDelivered();

  // In the order they are needed: what stands below may use what stands above.
  const Options options_;
  const Clock& clock_;
  // Above the loops: what is left in an inbox at the end may still count something.
  Metrics metrics_;
  std::vector<std::unique_ptr<Loop>> loops_;
  const Providers providers_;
  const Secrets secrets_;
  const std::unique_ptr<FileReloader> reloader_;
  LocalEventLog log_;
  ByteBudget outbox_budget_;
  Hub hub_;
  EdgeShared edge_shared_;
  std::vector<std::unique_ptr<Edge>> edges_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  LocalRegistry registry_;
  ConsumerGroups groups_;
  GatewayService service_;
  // Below all that its tasks touch: it runs what is left of them before it ends.
  Courier courier_;
  Drainer drainer_;
  std::unique_ptr<Ticker> ticker_;
  Endpoints endpoints_;
  std::unique_ptr<grpc::Server> grpc_server_;
  std::vector<std::thread> threads_;
};

Gateway::Impl::Impl(const Options& options, Providers providers, Secrets secrets,
                    std::unique_ptr<FileReloader> reloader, const Clock& clock)
    : options_(options),
      clock_(clock),
      metrics_(LoopCount(options)),
      loops_(MakeLoops(LoopCount(options), clock)),
      providers_(std::move(providers)),
      secrets_(std::move(secrets)),
      reloader_(std::move(reloader)),
      log_(NewLogId(), options.event_log_bytes_max, options.event_log_age_max_millis, clock),
      outbox_budget_(TotalBytesMax(options)),
      hub_(loops_, log_, *providers_.ids,
           {.node_id = options.node_id,
            .partitions = options.event_partitions,
            .duplicate_login = options.duplicate_login},
           outbox_budget_, metrics_),
      edge_shared_{.options = MakeEdgeOptions(options),
                   .auth = *providers_.auth,
                   .protocol = *providers_.protocol,
                   .outbox_budget = outbox_budget_,
                   .inbound_budget = ByteBudget(TotalBytesMax(options))},
      registry_([this](LocalRegistry::Task task) { courier_.Post(std::move(task)); }),
      groups_({.log = log_,
               .registry = registry_,
               .clock = clock,
               .partitions = options.event_partitions,
               .retention_millis =
                   std::max(options.group_retention_millis, options.event_log_age_max_millis)}),
      service_(hub_, *providers_.protocol, {.message_bytes_max = options.message_bytes_max},
               secrets_.grpc_tokens.get(), groups_, courier_, metrics_, clock),
      drainer_(hub_, clock, options.drain_delay_millis, options.drain_period_millis) {
  for (const auto& loop : loops_) {
    Shard& shard = *hub_.shards()[loop->index()];
    edges_.push_back(
        std::make_unique<Edge>(edge_shared_, *loop, shard, *metrics_.loop[loop->index()]));
    Edge& edge = *edges_.back();
    loop->AddTurnHook([&shard] { shard.EndTurn(); });
    loop->AddTurnHook([&edge] { edge.EndTurn(); });
    // What sending has ended leaves its LEAVE.
    loop->AddTurnHook([&shard] { shard.EndTurn(); });
  }
  log_.SetListener([this] { courier_.LogGrew(); });
  courier_.Post([this] { groups_.Start(); });
  ticker_ = std::make_unique<Ticker>(*loops_[0], [this] {
    log_.TrimAge();
    courier_.Post([this] { groups_.Tick(); });
    courier_.Tick();
  });
}

Gateway::Impl::~Impl() {
  // The loops and the courier still run, so every call under way finds its end.
  if (grpc_server_ != nullptr) {
    grpc_server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    grpc_server_.reset();
  }
  for (const auto& loop : loops_) loop->Stop();
  for (std::thread& thread : threads_) thread.join();
}

HttpPort Gateway::Impl::WsPort() {
  return {.route = [this](const HttpRequest& request,
                          std::string_view path) -> std::optional<HttpAnswer> {
            if (auto health = AnswerHealth(request, path, edge_shared_.is_admitting.load())) {
              return health;
            }
            if (options_.demo) return AnswerDemo(request, path);
            return std::nullopt;
          },
          .has_upgrade = true,
          .has_proxy_header = options_.proxy_protocol,
          .tls = secrets_.ws_tls.get()};
}

HttpPort Gateway::Impl::AdminPort() {
  return {.route = [this](const HttpRequest& request,
                          std::string_view path) -> std::optional<HttpAnswer> {
    if (path == "/metrics" && (request.method == "GET" || request.method == "HEAD")) {
      return HttpAnswer{.body = MetricsPage({.metrics = metrics_,
                                             .log = log_,
                                             .outboxes = outbox_budget_,
                                             .inbound = edge_shared_.inbound_budget,
                                             .groups = groups_.stats()}),
                        .content_type = "text/plain; version=0.0.4; charset=utf-8"};
    }
    return AnswerHealth(request, path, edge_shared_.is_admitting.load());
  }};
}

absl::Status Gateway::Impl::OpenListener(const std::string& listen, const char* option,
                                         HttpPort port, std::string& endpoint) {
  const auto address = ParseListenAddress(listen);
  if (!address.ok()) return address.status();
  std::vector<Edge*> edges;
  for (const auto& edge : edges_) edges.push_back(edge.get());
  auto listener = Listener::Open(*address, option, *loops_[0], *metrics_.loop[0], std::move(port),
                                 std::move(edges));
  if (!listener.ok()) return listener.status();
  endpoint = (*listener)->endpoint();
  listeners_.push_back(*std::move(listener));
  return absl::OkStatus();
}

absl::Status Gateway::Impl::Open() {
  absl::Status status = OpenListener(options_.ws_listen, "--ws-listen", WsPort(), endpoints_.ws);
  if (!status.ok()) return status;
  if (!options_.admin_listen.empty()) {
    status = OpenListener(options_.admin_listen, "--admin-listen", AdminPort(), endpoints_.admin);
    if (!status.ok()) return status;
  }
  auto grpc =
      StartGrpcServer({.address = *ParseListenAddress(options_.grpc_listen),
                       .credentials = secrets_.grpc,
                       .connection_age_max_millis = options_.grpc_connection_age_max_millis},
                      service_);
  if (!grpc.ok()) return grpc.status();
  grpc_server_ = std::move(grpc->server);
  endpoints_.grpc = grpc->endpoint;
  for (const char* name : {"", kServiceName, kEdgeName}) {
    grpc_server_->GetHealthCheckService()->SetServingStatus(name, true);
  }
  StartThreads();
  reloader_->Start();
  return absl::OkStatus();
}

void Gateway::Impl::StartThreads() {
  for (const auto& loop : loops_) {
    threads_.emplace_back([&loop = *loop] { loop.Run(); });
    pthread_setname_np(threads_.back().native_handle(),
                       fmt::format("loop-{}", loop->index()).c_str());
  }
}

bool Gateway::Impl::IsEverythingDelivered() {
  if (!courier_.streams().empty()) return false;
  for (const auto& loop : metrics_.loop) {
    if (loop->connections.value() > 0) return false;
  }
  return true;
}

void Gateway::Impl::Drain() {
  spdlog::info("draining: no new sessions; the sessions are closed within {} + {}",
               FormatDuration(options_.drain_delay_millis),
               FormatDuration(options_.drain_period_millis));
  edge_shared_.is_admitting.store(false);
  grpc::HealthCheckServiceInterface& health = *grpc_server_->GetHealthCheckService();
  health.SetServingStatus(kEdgeName, false);
  for (const auto& edge : edges_) {
    edge->loop().Post([&edge = *edge] { edge.EndAdmission(); });
  }
  drainer_.Run();
  // Every LEAVE is in the log: what is left is to bring it, and the Close frames, to those who
  // read.
  courier_.Post([this] { service_.EndSubscriptions(); });
  const int64_t deadline = clock_.SteadyMillis() + kDrainDeliveryMillisMax;
  while (!IsEverythingDelivered() && clock_.SteadyMillis() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const size_t stuck = courier_.streams().size();
  if (stuck > 0) spdlog::warn("{} subscribers did not read on and are cut off", stuck);
  health.SetServingStatus(false);
  spdlog::info("drained");
}

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Start(const Options& options, Providers providers,
                                                        const Clock& clock) {
  if (absl::Status status = ValidateOptions(options); !status.ok()) return status;
  if (providers.auth == nullptr && options.auth == AuthKind::kNone &&
      options.auth_at == AuthAt::kMessage) {
    return absl::InvalidArgumentError(
        "--auth-at=message needs somebody to ask: --auth=jwt or grpc");
  }
  auto reloader = std::make_unique<FileReloader>();
  auto secrets = LoadSecrets(options, *reloader);
  if (!secrets.ok()) return secrets.status();
  auto complete =
      CompleteProviders(std::move(providers), options, LoopCount(options), clock, *reloader);
  if (!complete.ok()) return complete.status();
  auto impl = std::make_unique<Impl>(options, *std::move(complete), *std::move(secrets),
                                     std::move(reloader), clock);
  if (absl::Status status = impl->Open(); !status.ok()) return status;
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;
const Endpoints& Gateway::endpoints() const {
  return impl_->endpoints();
}
void Gateway::Drain() {
  impl_->Drain();
}
void Gateway::HurryDrain() {
  impl_->HurryDrain();
}
void Gateway::ReloadFiles() {
  impl_->ReloadFiles();
}

}  // namespace longwire
