#include "tests/net/io.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

namespace barograph::net::test {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int Check(int result, const char* call) {
  if (result < 0) throw std::runtime_error(call);
  return result;
}

int BindLoopback(int* port) {
  const int fd = Check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address = Loopback(0);
  Check(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  socklen_t size = sizeof address;
  Check(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  *port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

RawSocket RawSocket::Connect(int port) {
  RawSocket connected(Check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const sockaddr_in address = Loopback(port);
  Check(connect(connected.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "connect");
  return connected;
}

RawSocket::~RawSocket() {
  if (fd_ >= 0) close(fd_);
}

bool RawSocket::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string RawSocket::ReadUntil(std::string_view end) {
  std::string text;
  char byte = 0;
  while (recv(fd_, &byte, 1, 0) == 1) {
    text += byte;
    if (!end.empty() && text.ends_with(end)) break;
  }
  return text;
}

std::string RawSocket::Read(size_t count) {
  if (count == 0) return {};  // recv would wait for a byte even so
  std::string text(count, '\0');
  const auto received = recv(fd_, text.data(), count, MSG_WAITALL);
  text.resize(received > 0 ? static_cast<size_t>(received) : 0);
  return text;
}

std::string RawSocket::ReadMessage() {
  constexpr std::string_view kLength = "Content-Length: ";
  std::string message = ReadUntil("\r\n\r\n");
  const size_t at = message.find(kLength);
  if (at == message.npos) return message;
  size_t length = 0;
  const char* digits = message.data() + at + kLength.size();
  std::from_chars(digits, message.data() + message.size(), length);
  return message + Read(length);
}

void RawSocket::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

void RawSocket::Reset() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(std::exchange(fd_, -1));
}

RawServer::RawServer(std::function<void(RawSocket&, int)> talk) : fd_(BindLoopback(&port_)) {
  Check(listen(fd_, 16), "listen");
  thread_ = std::thread([fd = fd_, talk = std::move(talk)] {
    for (int count = 0;; ++count) {
      const int accepted = accept(fd, nullptr, nullptr);
      if (accepted < 0) return;
      RawSocket socket(accepted);
      talk(socket, count);
    }
  });
}

RawServer::~RawServer() {
  shutdown(fd_, SHUT_RDWR);
  thread_.join();
  close(fd_);
}

std::string RawServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

int ClosedPort() {
  int port = 0;
  close(BindLoopback(&port));
  return port;
}

}  // namespace barograph::net::test
