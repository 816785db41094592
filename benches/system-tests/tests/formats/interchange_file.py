"""Reads an interchange file: a reader written from shared/README.md alone, without a protobuf library.

interchange_file.py FILE prints what the file says of hosts, repositories, directories, files and locations, as JSON.
"""

import json
import struct
import sys

HASHES = {3: "sha1", 4: "md5", 5: "sha256", 6: "sha512"}


def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def message(data):
    """The fields of a message, whatever it means: by number the values that came under it, in order."""
    at, fields = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at : at + 8], at + 8
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        elif kind == 5:
            value, at = data[at : at + 4], at + 4
        else:
            sys.exit(f"field {key >> 3} has wire type {kind}")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def one(fields, number, default=None):
    return fields.get(number, [default])[-1]


def string(data):
    return data.decode()


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def integers(values):
    """int64s, packed or one by one."""
    found = []
    for value in values:
        at, data = 0, value
        while not isinstance(value, int) and at < len(data):
            number, at = varint(data, at)
            found.append(signed(number))
        if isinstance(value, int):
            found.append(signed(value))
    return found


def mapping(records, key, values):
    """A map's records: of two with one key the later counts."""
    found = {}
    for record in map(message, records):
        found[key(one(record, 1))] = values(record.get(2, []))
    return found


def last(read):
    return lambda values: read(values[-1])


def directories(records, urls, countries):
    for record in map(message, records):
        public = integers(record.get(2, []))
        by_country = mapping(record.get(4, []), string, integers)
        hosts = []
        for host, ids in mapping(record.get(6, []), signed, integers).items():
            stands_for = [country for country, members in by_country.items() if host in members]
            about = {"id": host, "public": host in public, "country": countries.get(host)}
            hosts.append(about | {"stands_for": stands_for, "urls": [urls[url] for url in ids]})
        yield {"directory": string(one(record, 1)), "subpath": string(one(record, 3, b"")), "hosts": hosts}


def files(records):
    for directory in map(message, records):
        for file in map(message, directory.get(2, [])):
            versions = []
            for version in map(message, file.get(2, [])):
                hashes = {name: string(one(version, n)) for n, name in HASHES.items() if one(version, n)}
                about = {"timestamp": one(version, 1, 0), "size": one(version, 2, 0)}
                versions.append(about | {"hashes": hashes})
            yield f"{string(one(directory, 1))}/{string(one(file, 1))}", versions


def degrees(data):
    return struct.unpack("<d", data)[0]


def main(file):
    with open(file, "rb") as data:
        top = message(data.read())
    urls = mapping(top.get(4, []), signed, last(string))
    countries = mapping(top.get(12, []), signed, last(string))
    hosts = map(message, top.get(1000, []))
    said = {
        "time": one(top, 1),
        "countries": countries,
        "bandwidths": mapping(top.get(13, []), signed, last(signed)),
        "countries_allowed": mapping(top.get(14, []), signed, lambda values: list(map(string, values))),
        "overrides": mapping(top.get(2, []), string, last(string)),
        "locations": mapping(top.get(3, []), string, integers),
        "netblocks": mapping(top.get(15, []), string, integers),
        "asns": mapping(top.get(10, []), signed, integers),
        "disabled": mapping(top.get(6, []), string, last(bool)),
        "redirects": mapping(top.get(8, []), string, last(string)),
        "repo_archs": mapping(top.get(9, []), string, last(string)),
        "directories": list(directories(top.get(16, []), urls, countries)),
        "files": dict(files(top.get(5, []))),
        "hosts": [
            {
                "id": signed(one(host, 1)),
                "name": string(one(host, 2)),
                "latitude": degrees(one(host, 3)),
                "longitude": degrees(one(host, 4)),
            }
            for host in hosts
        ],
    }
    json.dump(said, sys.stdout)


main(*sys.argv[1:])
