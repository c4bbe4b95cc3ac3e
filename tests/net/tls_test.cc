#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <thread>

#include "net/http_client.h"
#include "tests/net/io.h"
#include "tests/support/temp_dir.h"

namespace barograph::net {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

/// A certificate for `host`, signed by itself.
Certificate MakeCertificate(EVP_PKEY* key, const std::string& host) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  const std::string names = "DNS:" + host;
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  X509_add_ext(certificate.get(), extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

void WritePem(const std::string& path, X509* certificate) {
  FILE* file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  PEM_write_X509(file, certificate);
  std::fclose(file);
}

/// Answers one request over TLS as "localhost".
class TlsServer {
 public:
  explicit TlsServer(const std::string& root_file)
      : key_(EVP_EC_gen("P-256")), certificate_(MakeCertificate(key_.get(), "localhost")) {
    WritePem(root_file, certificate_.get());
    SSL_CTX_use_certificate(tls_.native_handle(), certificate_.get());
    SSL_CTX_use_PrivateKey(tls_.native_handle(), key_.get());
    thread_ = std::thread([this] { Answer(); });
  }
  ~TlsServer() { thread_.join(); }

  std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }

 private:
  void Answer() {
    boost::system::error_code error;
    asio::ssl::stream<asio::ip::tcp::socket> stream(acceptor_.accept(), tls_);
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error) return;
    std::string request;
    asio::read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", error);
    const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
    asio::write(stream, asio::buffer(reply), error);
    stream.shutdown(error);
  }

  Key key_;
  Certificate certificate_;
  asio::io_context context_;
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

Result<std::string> Fetch(const std::string& url) {
  asio::io_context context;
  HttpClient client(context);
  HttpClientRequest request;
  request.url = *Url::Parse(url);
  const auto response = test::Await(context, client.Send(request));
  if (!response) return std::unexpected(response.error());
  return std::string(response->body);
}

TEST_CASE("TLS is spoken with a server whose certificate is trusted and is the host's") {
  const barograph::test::TempDir dir;
  const std::string roots = dir.path() + "/roots.pem";
  setenv("SSL_CERT_FILE", roots.c_str(), 1);
  {
    TlsServer server(roots);
    CHECK(Fetch(server.url("localhost")).value() == "secret");
  }
  {
    TlsServer server(roots);
    const auto refused = Fetch(server.url("127.0.0.1"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kUnavailable);
    CHECK(refused.error().message.find("tls: failed to verify certificate: x509: ") !=
          std::string::npos);
  }
  {
    TlsServer server(dir.path() + "/unknown.pem");
    CHECK_FALSE(Fetch(server.url("localhost")));
  }
  unsetenv("SSL_CERT_FILE");
}

TEST_CASE("A server that does not speak TLS is an error") {
  test::RawServer server(
      [](test::RawSocket& socket, int) { socket.Send("HTTP/1.1 400 Bad\r\n\r\n"); });
  const auto failed = Fetch("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.find("tls: ") != std::string::npos);
}

}  // namespace
}  // namespace barograph::net
