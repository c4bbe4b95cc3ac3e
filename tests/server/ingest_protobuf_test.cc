#include <catch2/catch.hpp>
#include <limits>
#include <optional>
#include <random>
#include <string>

#include "server/ingest/protobuf_reader.h"
#include "server/ingest/write_request.h"
#include "tests/server/ingest_messages.h"

namespace barograph::server {
namespace {

using test::Message;

/// Whether the bytes read to their end as a message.
bool Reads(std::string_view bytes) {
  ProtobufReader reader(bytes);
  while (reader.Next()) {
  }
  return reader.ok();
}

TEST_CASE("fields of every wire type are read in order") {
  const Message message = Message().Varint(1, 300).Double(2, -0.5).Bytes(3, "text").Raw(
      std::string_view("\x25\x01\x02\x03\x04", 5));
  ProtobufReader reader(message.text());
  REQUIRE(reader.Next());
  CHECK(reader.tag() == MakeTag(1, WireType::kVarint));
  CHECK(reader.Uint64() == 300);
  REQUIRE(reader.Next());
  CHECK(reader.tag() == MakeTag(2, WireType::kFixed64));
  CHECK(reader.Double() == -0.5);
  REQUIRE(reader.Next());
  CHECK(reader.tag() == MakeTag(3, WireType::kBytes));
  CHECK(reader.bytes() == "text");
  CHECK(reader.field() == "\x1a\x04text");
  REQUIRE(reader.Next());
  CHECK(reader.tag() == MakeTag(4, WireType::kFixed32));
  CHECK(reader.Uint32() == 0x04030201);
  CHECK_FALSE(reader.Next());
  CHECK(reader.ok());
}

TEST_CASE("varints of every length are read as the plain decoder reads them") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20000; ++round) {
    const uint64_t value = random() >> (random() % 64);
    const bool room_behind = random() % 2 == 0;
    Message message = Message().Varint(1, value);
    if (room_behind) message.Varint(2, 7).Bytes(3, "sixteen bytes....");
    ProtobufReader reader(message.text());
    REQUIRE(reader.Next());
    INFO(value);
    REQUIRE(reader.Uint64() == value);
    REQUIRE(reader.Next() == room_behind);
  }
}

TEST_CASE("negative and zigzag numbers are read") {
  const Message message =
      Message().Varint(1, static_cast<uint64_t>(-5)).Sint(2, -7).Sint(3, 1 << 30);
  ProtobufReader reader(message.text());
  REQUIRE(reader.Next());
  CHECK(reader.Int64() == -5);
  REQUIRE(reader.Next());
  CHECK(reader.Sint64() == -7);
  CHECK(reader.Sint32() == -7);
  REQUIRE(reader.Next());
  CHECK(reader.Sint32() == 1 << 30);
}

TEST_CASE("malformed bytes end the reading") {
  CHECK(Reads(""));
  CHECK_FALSE(Reads("\x08"));                                          // a number is missing
  CHECK_FALSE(Reads("\x08\xff"));                                      // and is cut off
  CHECK_FALSE(Reads("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));  // over 64 bits
  CHECK_FALSE(Reads("\x09\x01\x02"));                                  // fixed64
  CHECK_FALSE(Reads("\x0d\x01\x02"));                                  // fixed32
  CHECK_FALSE(Reads("\x0a\x05text"));                                  // longer than there is
  CHECK_FALSE(Reads("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));  // by far
  CHECK_FALSE(Reads("\x0b\x0c"));                                      // a group
  CHECK_FALSE(Reads("\x0f\x01"));                                      // no wire type
  CHECK_FALSE(Reads(std::string_view("\x00\x01", 2)));                 // field 0
  CHECK_FALSE(Reads("\x88\x80\x80\x80\x80\x01\x01"));                  // a tag over 32 bits
}

TEST_CASE("no cut of a message reads beyond it") {
  const std::string whole =
      Message().Varint(1, 1'700'000'000'000).Bytes(2, "0123456789").Double(3, 1).text();
  for (size_t size = 0; size <= whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);  // its own allocation, for the sanitizer
    ProtobufReader reader(cut);
    size_t fields = 0;
    while (reader.Next()) ++fields;
    CHECK(reader.ok() == (size == 0 || size == 7 || size == 19 || size == whole.size()));
    CHECK(fields <= 3);
  }
}

TEST_CASE("packed varints are read one by one") {
  const std::string packed("\x01\xac\x02\x00", 4);
  PackedVarints varints(packed);
  std::vector<uint64_t> values;
  while (varints.Next()) values.push_back(varints.value());
  CHECK(varints.ok());
  CHECK(values == std::vector<uint64_t>{1, 300, 0});
  PackedVarints cut("\x01\xac");
  CHECK(cut.Next());
  CHECK_FALSE(cut.Next());
  CHECK_FALSE(cut.ok());
}

/// The samples of the request's only series, as "1000=1.5"; nothing where it is malformed.
std::optional<std::string> SamplesOf(const Message& sample) {
  const Message series = Message().Add(1, test::LabelV1("__name__", "a")).Add(2, sample);
  const Message message = Message().Add(1, series);
  const auto request = WriteRequest::Parse(WriteProtocol::kV1, message.text(), 1, 1000);
  if (!request) return std::nullopt;
  std::string samples;
  CHECK(request->ForEachSeries([&](const WireSeries& wire) {
    CHECK(wire.CountSamples() == 1);
    return wire.ForEachSample([&](const WireSample& read) -> Status {
      samples += std::to_string(ToMs(read.timestamp)) + "=" + std::to_string(read.value) + " ";
      return {};
    });
  }));
  return samples;
}

TEST_CASE("a sample is the same in whatever way it is written") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    const auto ms = static_cast<int64_t>(random() >> (1 + random() % 63));
    const auto time = static_cast<uint64_t>(ms);
    const std::string expected = std::to_string(ms) + "=0.500000 ";
    CHECK(SamplesOf(Message().Double(1, 0.5).Varint(2, time)) == expected);
    CHECK(SamplesOf(Message().Varint(2, time).Double(1, 0.5)) == expected);
    CHECK(SamplesOf(Message().Double(1, 0.5).Varint(2, time).Varint(9, 1)) == expected);
    CHECK(SamplesOf(Message().Double(1, 7).Double(1, 0.5).Varint(2, time)) == expected);
  }
  CHECK(SamplesOf(Message().Varint(2, 5)) == "5=0.000000 ");
  CHECK(SamplesOf(Message().Double(1, 0.5)) == "0=0.500000 ");
  CHECK(SamplesOf(Message().Double(1, 0.5).Varint(2, ~uint64_t{0})) == "-1=0.500000 ");
  CHECK(SamplesOf(Message().Double(1, 0.5).Raw(std::string_view("\x10\x80\x00", 3))) ==
        "0=0.500000 ");
}

TEST_CASE("no cut of a sample, and none with something behind it, is taken for one") {
  const std::string whole = Message().Double(1, 0.5).Varint(2, 1'700'000'000'000).text();
  for (size_t size = 1; size < whole.size(); ++size) {
    if (size == 9) continue;  // the value alone
    CHECK_FALSE(SamplesOf(Message().Raw(std::string_view(whole).substr(0, size))));
  }
  CHECK(SamplesOf(Message().Raw(whole)));
  CHECK_FALSE(SamplesOf(Message().Raw(whole + '\1')));
  CHECK_FALSE(SamplesOf(Message().Raw(whole + '\x80')));
}

TEST_CASE("labels whose lengths do not add up are malformed") {
  const std::string whole = test::LabelV1("name", "value").text();
  for (size_t at : {size_t{1}, size_t{7}}) {
    for (const int by : {-1, 1, 100}) {
      std::string label = whole;
      label[at] = static_cast<char>(label[at] + by);
      const Message series = Message().Bytes(1, label);
      const Message message = Message().Add(1, series);
      CHECK_FALSE(WriteRequest::Parse(WriteProtocol::kV1, message.text(), 1, 1000));
    }
  }
}

}  // namespace
}  // namespace barograph::server
