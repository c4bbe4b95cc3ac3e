#include "tests/server/scrape_fake_target.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace barograph::test {
namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

FakeTarget::FakeTarget(Handler handler)
    : handler_(std::move(handler)),
      acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  acceptor_.non_blocking(true);
  thread_ = std::thread([this] { Serve(); });
}

FakeTarget::~FakeTarget() {
  stopping_ = true;
  thread_.join();
}

std::string FakeTarget::address() const {
  return fmt::format("127.0.0.1:{}", acceptor_.local_endpoint().port());
}

std::string FakeTarget::Page(std::string_view body, std::string_view headers) {
  return fmt::format("HTTP/1.1 200 OK\r\n{}Content-Length: {}\r\n\r\n{}", headers, body.size(),
                     body);
}

// One connection at a time is enough for one target.
void FakeTarget::Serve() {
  while (!stopping_) {
    boost::system::error_code error;
    tcp::socket socket = acceptor_.accept(error);
    if (error) {
      std::this_thread::sleep_for(milliseconds(1));
    } else {
      Converse(std::move(socket));
    }
  }
}

void FakeTarget::Converse(tcp::socket socket) {
  boost::system::error_code error;
  socket.non_blocking(true, error);
  std::string request;
  while (!stopping_) {
    std::array<char, 4096> bytes;
    const size_t count = socket.read_some(asio::buffer(bytes), error);
    if (error == asio::error::would_block) {
      std::this_thread::sleep_for(milliseconds(1));
      continue;
    }
    if (error) return;
    request.append(bytes.data(), count);
    if (!request.ends_with("\r\n\r\n")) continue;
    ++requests_;
    const Answer answer = handler_(std::exchange(request, ""));
    Send(socket, answer);
    if (answer.close) return;
  }
}

void FakeTarget::Send(tcp::socket& socket, const Answer& answer) {
  boost::system::error_code ignored;  // the client may go away whenever it likes
  socket.non_blocking(false, ignored);
  const size_t before = answer.bytes.size() - (answer.pause.count() > 0 ? 1 : 0);
  asio::write(socket, asio::buffer(answer.bytes.data(), before), ignored);
  const auto end = std::chrono::steady_clock::now() + answer.pause;
  while (!stopping_ && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  asio::write(socket, asio::buffer(answer.bytes.data() + before, answer.bytes.size() - before),
              ignored);
  socket.non_blocking(true, ignored);
}

}  // namespace barograph::test
