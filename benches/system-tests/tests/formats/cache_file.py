"""Reads a cache file: a reader written from shared/README.md alone, whose tables are its layout.

cache_file.py README FILE ADDRESS... prints what the file says of hosts, repositories, directories, files, locations and
these addresses, as JSON. It looks nothing up by hash, so it does without the hash tables and the checksum.
"""

import bisect
import collections
import ipaddress
import itertools
import json
import re
import struct
import sys

MAGIC = b"\x89MLC\r\n\x1a\n"
HEADER = struct.Struct("<8sIIQQQ16sQ")
NONE, NO_COUNTRY, NO_CATEGORY = 0xFFFFFFFF, 0xFFFF, 255
PUBLIC = 1 << 31
SIGNED = {"id", "latitude", "longitude"}
HASHES = [("md5", 16), ("sha1", 20), ("sha256", 32), ("sha512", 64)]


def layout(readme):
    """The two tables: arrays with their place in the root and bytes an element; columns of arrays that have rows."""
    text = readme[readme.index("\n## The cache\n") : readme.index("\n## The interchange file\n")]
    arrays = re.findall(r"^\| (\d+) \| `([\w.]+)` \| (\d+) \|", text, re.M)
    rows = {}
    for size, columns, array in re.findall(r"^\| `\w+Row` \| (\d+) \| (`.*) \| `(\w+)` \|$", text, re.M):
        columns = [(name, int(at)) for name, at in re.findall(r"`(\w+)` (\d+)", columns)]
        ends = [at for _, at in columns[1:]] + [int(size)]
        rows[array] = [(name, at, end) for (name, at), end in zip(columns, ends)]
    known = re.search(r"\bFormat (\d+)\b", text)[1]
    return int(known), [(int(at), name, int(size)) for at, name, size in arrays], rows


def number(data, name):
    return int.from_bytes(data, "little", signed=name in ("id", "latitude", "longitude"))


class Cache:
    def __init__(self, readme, data):
        known, arrays, rows = layout(readme)
        head = HEADER.unpack_from(data)
        magic, self.format, zero, length, self.built, self.made, self.checksum, zeros = head
        if (magic, self.format, zero, zeros, length) != (MAGIC, known, 0, 0, len(data) - HEADER.size):
            sys.exit(f"no cache of format {known}: {head}")
        root = len(data) - 8 - 8 * len(arrays)
        if struct.unpack_from("<Q", data, root)[0] != self.made:
            sys.exit("the root is elsewhere")
        self.data, self.arrays = data, {}
        for at, name, size in arrays:
            distance, count = struct.unpack_from("<iI", data, root + at)
            begin = root + at + distance
            elements = (data[begin + n * size :][:size] for n in range(count))
            if name in rows:
                Row = collections.namedtuple(f"Row_{name}", [column for column, _, _ in rows[name]])
                columns = rows[name]
                read = (Row(*(number(row[a:b], name) for name, a, b in columns)) for row in elements)
            elif size > 8:
                sys.exit(f"{name}: its rows are not described")
            else:
                read = (number(element, name) for element in elements)
            self.arrays[name] = list(read)

    def __getitem__(self, name):
        return self.arrays[name]

    def text(self, n):
        begin, end = self["text_start"][n : n + 2]
        return bytes(self["text"][begin:end]).decode()

    def country(self, n):
        return None if n == NO_COUNTRY else self["countries"][n].to_bytes(2, "little").decode()

    def host_ids(self, lists, targets, column, n):
        """Hosts of list n in `targets`, which begins where `column` of row n says."""
        begin, end = (getattr(row, column) for row in self[lists][n : n + 2])
        return [self["hosts"][host].id for host in self[targets][begin:end]]

    def only_one(self, lists, targets, bits, host):
        """Rows of `lists` for which the host's bit is set."""
        rows, words = self[lists], self[bits]
        for row, following in zip(rows, rows[1:]) if words else ():
            for at in range(row.hosts, following.hosts):
                if self[targets][at] == host and words[at // 32] >> at % 32 & 1:
                    yield row

    def prefix(self, row):
        packed = row.address.to_bytes(16, "little")
        return f"{ipaddress.ip_address(packed[12:] if row.family == 4 else packed)}/{row.length}"

    def path(self, n):
        names = []
        while n != NONE:
            names.append(self.text(self["nodes"][n].name))
            n = self["nodes"][n].parent
        return "/".join(reversed(names))

    def urls(self, placement):
        starts = [row.urls_start for row in self["placements"][placement : placement + 2]]
        end = starts[1] if len(starts) == 2 else len(self["placement_urls"])
        return [self.text(self["urls"][url].text) for url in self["placement_urls"][starts[0] : end]]

    def subpath(self, directory):
        category = self["directory_category"][directory]
        if category == NO_CATEGORY:
            return next(self.text(row.text) for row in self["subpath_exceptions"] if row.directory == directory)
        return self.path(directory)[len(self.text(self["categories"][category].top)) :].lstrip("/")

    def carriers(self, directory):
        """Members of the directory's set: placement, public, countries."""
        wanted = self["directories"][directory]
        which = bisect.bisect_right([row.sets for row in self["rosters"]], wanted) - 1
        roster, end = self["rosters"][which : which + 2]
        members = self["members"][roster.members : end.members]
        countries = [[] for _ in members]
        places = iter(countries)
        for group in self["groups"][roster.groups : end.groups]:
            for one in itertools.islice(places, group.len):
                one.append(self.country(group.country))
        for extra in self["extras"][roster.extras : end.extras]:
            countries[extra.member].append(self.country(extra.country))
        stride = max(1, -(-len(members) // 32))
        begin = roster.bits + (wanted - roster.sets) * stride
        words = self["bits"][begin : begin + stride]
        for n, member in enumerate(members):
            if words[n // 32] >> n % 32 & 1:
                yield member & ~PUBLIC, bool(member & PUBLIC), countries[n]

    def class_of(self, address):
        address = ipaddress.ip_address(address)
        address = getattr(address, "ipv4_mapped", None) or address
        if address.version == 4:
            high, low = divmod(int(address), 1 << 16)
            begin, end = self["v4.block"][high : high + 2]
            return self.numbered("v4", bisect.bisect_right(self["v4.start"], low, begin, end) - 1)
        high, low = divmod(int(address), 1 << 64)
        found = self.numbered("v6", bisect.bisect_right(self["v6.start"], high) - 1)
        if found < len(self["classes"]):
            return found
        begin, end = self["v6.deep_index"][self["v6.deep_block"].index(high) :][:2]
        at = bisect.bisect_right(self["v6.deep_start"], low, begin, end) - 1
        return self.numbered("v6", at, "deep_class")

    def numbered(self, family, at, name="class"):
        low, high = self[f"{family}.{name}.low"], self[f"{family}.{name}.high"]
        return low[at] | (high[at] << 16 if high else 0)


def known(cache, n):
    """What is known of host n, where anything is."""
    place = cache["host_place"][n] if cache["host_place"] else None
    if place and place.latitude != -32768:
        yield "place", [place.latitude / 100, place.longitude / 100]
    families = cache["host_families"][n] if cache["host_families"] else 0
    if families:
        yield "families", [family for bit, family in enumerate((4, 6)) if families >> bit & 1]
    flags = cache["host_flags"][n] if cache["host_flags"] else 0
    if flags:
        yield "only", "country" if flags & 1 else "continent"
    exclusive = [cache.prefix(row) for row in cache.only_one("netblocks", "netblock_hosts", "netblock_exclusive", n)]
    exclusive += [f"AS{row.number}" for row in cache.only_one("asns", "asn_hosts", "asn_exclusive", n)]
    if exclusive:
        yield "exclusive", exclusive


def hosts(cache):
    carried = [[0, 0] for _ in cache["hosts"]]
    for directory in range(len(cache["directories"])):
        for placement, public, _ in cache.carriers(directory):
            count = carried[cache["placements"][placement].host]
            count[0] += 1
            count[1] += public
    for n, row in enumerate(cache["hosts"]):
        allowed = cache["allowed"][row.allowed_start :][: row.allowed_len]
        begin, end = cache["host_placements"][n : n + 2]
        yield {
            "id": row.id,
            "country": cache.country(row.country),
            "bandwidth": row.bandwidth,
            "countries_allowed": None if row.allowed_start == NONE else [cache.country(one) for one in allowed],
            "categories": [cache.urls(placement) for placement in range(begin, end)],
            "directories": carried[n][0],
            "public_directories": carried[n][1],
        } | dict(known(cache, n))


def repositories(cache):
    rows = cache["repositories"]
    for row, following in zip(rows, rows[1:]):
        about = {
            "repo": cache.text(row.name),
            "redirect": None if row.redirect == NONE else cache.text(rows[row.redirect].name),
            "disabled": bool(row.flags & 1),
        }
        archs = cache["repo_archs"][row.repo_archs : following.repo_archs]
        for arch in archs:
            carried = arch.directory < len(cache["directories"])
            directory = cache.path(arch.directory) if carried else None
            yield about | {"arch": cache.text(cache["archs"][arch.arch]), "directory": directory}
        if not archs and (about["redirect"] or about["disabled"]):
            yield about | {"arch": None, "directory": None}


def directories(cache):
    for n in range(len(cache["directories"])):
        carriers = []
        for placement, public, countries in cache.carriers(n):
            host = cache["hosts"][cache["placements"][placement].host]
            about = {"id": host.id, "public": public, "country": cache.country(host.country)}
            carriers.append(about | {"stands_for": countries, "urls": cache.urls(placement)})
        about = {"directory": cache.path(n), "subpath": cache.subpath(n), "carrier_set": cache["directories"][n]}
        yield about | {"hosts": carriers}


def files(cache):
    starts = cache["file_versions"]
    for n, (begin, end) in enumerate(zip(starts, starts[1:])):
        versions = []
        for row in cache["versions"][begin:end]:
            at, hashes = row.hashes, {}
            for bit, (name, length) in enumerate(HASHES):
                if row.kinds >> bit & 1:
                    hashes[name] = bytes(cache["hashes"][at : at + length]).hex()
                    at += length
            versions.append({"timestamp": row.timestamp, "size": row.size, "hashes": hashes})
        yield cache.path(len(cache["nodes"]) - len(starts) + 1 + n), versions


def address(cache, asked):
    n = cache.class_of(asked)
    row = cache["classes"][n]
    asn = None if row.asn == NONE else cache["asns"][row.asn].number
    netblocks, at = [], row.netblock
    while at != NONE:
        block = cache["netblocks"][at]
        ids = cache.host_ids("netblocks", "netblock_hosts", "hosts", at)
        netblocks.append({"prefix": cache.prefix(block), "hosts": ids})
        at = block.parent
    return {
        "address": asked,
        "class": n,
        "country": cache.country(row.country),
        "corrected": bool(row.flags & 1),
        "asn": asn,
        "asn_hosts": [] if asn is None else cache.host_ids("asns", "asn_hosts", "hosts", row.asn),
        "netblocks": netblocks,
    }


def main(readme, file, *addresses):
    with open(readme, encoding="utf-8") as text, open(file, "rb") as data:
        cache = Cache(text.read(), data.read())
    names = [cache.text(row.name) for row in cache["locations"][:-1]]
    said = {
        "format": cache.format,
        "checksum": cache.checksum[::-1].hex(),
        "build_time": cache.built,
        "source_time": cache.made,
        "sources": {cache.text(row.name): row.bytes for row in cache["sources"]},
        "hosts": list(hosts(cache)),
        "repositories": list(repositories(cache)),
        "directories": list(directories(cache)),
        "files": dict(files(cache)),
        "locations": {
            name: cache.host_ids("locations", "location_hosts", "hosts", n) for n, name in enumerate(names)
        },
        "addresses": [address(cache, one) for one in addresses],
    }
    json.dump(said, sys.stdout)


main(*sys.argv[1:])
