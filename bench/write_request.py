"""Remote write requests by hand: prometheus.WriteRequest in snappy's block format, whose literals
alone are a valid stream. Nothing but the standard library."""

import struct


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, content):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def snappy(content):
    out = bytearray(varint(len(content)))
    for at in range(0, len(content), 65536):
        piece = content[at:at + 65536]
        out += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece  # a literal with 2 length bytes
    return bytes(out)


def labels(pairs):
    """The label fields of a series, sorted as the protocol wants it."""
    return b"".join(field(1, field(1, name.encode()) + field(2, value.encode()))
                    for name, value in sorted(pairs.items()))


def sample(timestamp_ms, value):
    return field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(timestamp_ms))


def write_request(series):
    """A body for POST /api/v1/write; `series` gives (label fields, [(timestamp_ms, value)])."""
    return snappy(b"".join(
        field(1, fields + b"".join(sample(timestamp, value) for timestamp, value in samples))
        for fields, samples in series))


HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
