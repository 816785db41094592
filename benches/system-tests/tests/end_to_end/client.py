"""Asks a worker for a list: a client written from shared/README.md alone.

client.py SOCKET ADDRESS PATH QUERY prints the status, the header lines and the body.
"""

import ipaddress
import socket
import struct
import sys

HEADER = struct.Struct("<IBBHQ")
HELLO, REQUEST, REPLY, GOAWAY, PING, PONG = 1, 2, 3, 4, 5, 6
CAME_BY_HTTP = 0x0002


def frame(kind, number, payload=b""):
    return HEADER.pack(len(payload), kind, 0, 1, number) + payload


def request(address, path, query):
    client = ipaddress.ip_address(address)
    fixed = struct.pack("<HHHBB", CAME_BY_HTTP, len(path), len(query), client.version, 0)
    return fixed + client.packed.ljust(16, b"\0") + path + query


def read(stream):
    length, kind, _, version, number = HEADER.unpack(exactly(stream, HEADER.size))
    if version != 1:
        sys.exit(f"version {version}")
    return kind, number, exactly(stream, length)


def exactly(stream, count):
    data = stream.read(count)
    if len(data) < count:
        sys.exit("closed")
    return data


def main(path, address, uri, query):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(path)
        stream = connection.makefile("rb")
        kind, _, payload = read(stream)
        slot, slots, _, generation = struct.unpack_from("<HHIQ", payload)
        if kind != HELLO or not slot < slots or generation < 1:
            sys.exit(f"no HELLO but {kind}")
        connection.sendall(frame(REQUEST, 7, request(address, uri.encode(), query.encode())))
        while True:
            kind, number, payload = read(stream)
            if kind == PING:
                connection.sendall(frame(PONG, number))
            elif kind == GOAWAY and payload:
                sys.exit(payload.decode())
            elif kind == REPLY and number == 7:
                status, _, _, header_length, body_length = struct.unpack_from("<HBBII", payload)
                headers, rest = payload[12 : 12 + header_length], payload[12 + header_length :]
                print(status)
                print(headers.decode().replace("\r\n", "\n"))
                print(rest[:body_length].decode(), end="")
                return


main(*sys.argv[1:])
