// The command that shows sessions: one, or a list page by page.
#include <cstdio>
#include <set>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/printable.h"
#include "client/cli/proto_text.h"
#include "client/cli/session_text.h"

namespace longwire::client::cli {

namespace {

void Print(const v1::Session& session, bool json) {
  std::puts((json ? Json(session) : SessionLine(session)).c_str());
}

int ShowOne(const Client& client, const ClientOptions& client_options,
            const SessionsOptions& options) {
  const SessionResult result = client.GetSession(*options.session_id);
  if (!result.status.ok()) return Fail(client_options, result.status);
  if (!options.json) std::puts(SessionHeading().c_str());
  Print(result.session, options.json);
  return 0;
}

}  // namespace

int RunSessions(const ClientOptions& client_options, const SessionsOptions& options) {
  const Client client(client_options);
  if (options.session_id) return ShowOne(client, client_options, options);
  ListSessionsOptions page = options.list;
  uint64_t shown = 0;
  std::set<uint32_t> unreachable;
  SessionsResult result;
  do {
    result = client.ListSessions(page);
    if (!result.status.ok()) return Fail(client_options, result.status);
    if (shown == 0 && !options.json && !result.sessions.empty()) {
      std::puts(SessionHeading().c_str());
    }
    for (const v1::Session& session : result.sessions) {
      if (options.limit > 0 && shown >= options.limit) break;
      Print(session, options.json);
      ++shown;
    }
    unreachable.insert(result.unreachable_nodes.begin(), result.unreachable_nodes.end());
    page.page_token = result.next_page_token;
  } while (!page.page_token.empty() && (options.limit == 0 || shown < options.limit));
  std::fprintf(stderr, "longwire: %llu of %llu sessions\n", static_cast<unsigned long long>(shown),
               static_cast<unsigned long long>(result.total_size));
  for (const uint32_t node : unreachable) {
    std::fprintf(stderr, "longwire: node %u did not answer; its sessions are missing\n", node);
  }
  return 0;
}

}  // namespace longwire::client::cli
