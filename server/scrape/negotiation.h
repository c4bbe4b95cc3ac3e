#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/config/config.h"
#include "server/scrape/scrape_cache.h"

/// Which format a target is asked for, and which one it sent.
namespace barograph::server {

/// The Accept header for the job's protocols in order, as far as there is a parser for them;
/// without any, for all there are.
std::string AcceptHeader(const ScrapeConfig& config);

/// The format that a response's Content-Type names. Where it is blank, malformed or unknown, that
/// of `fallback_scrape_protocol`; without one, InvalidArgument says why the page is refused.
Result<PageFormat> ChooseFormat(std::string_view content_type,
                                const std::optional<ScrapeProtocol>& fallback);

}  // namespace barograph::server
