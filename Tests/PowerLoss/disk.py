"""What a disk may hold after a loss of power, from a log of the recorder.

The rules, stricter than any file system of today:
- A write, or a change of a file's size, that no sync followed may be there or not, in any combination,
  and torn at any 512-byte sector. A write through O_DSYNC is there once it returned; the ones before it
  need not be.
- A sync of a file covers what was written before the sync began. It does not cover the file's name.
- A new name, a new folder, a rename or an unlink that no sync of its folder followed may be there or
  not, each by itself. A rename is never half done, and safe once the folder it leads to is synced.
- A file mapped for writing would change unseen, so only lock files, whose content means nothing after
  a restart, may be.
"""
import collections
import functools
import itertools
import random
import re
import struct

HEADER = struct.Struct("<BBQqQII")
SECTOR = 512
FOLDER = 0  # the number of every folder

Event = collections.namedtuple("Event", "op durable file offset ticket payload second")
# Something that is not safely on disk. `must`: it is, but what came before it is not.
Pending = collections.namedtuple("Pending", "index op file offset data path second must")
# One picture of the disk: what was acknowledged, and which pending items made it.
Image = collections.namedtuple("Image", "point acked parts chosen torn")


class Void(Exception):
    """The recording contains something that this model does not cover."""


def read_log(path):
    events, at = [], 0
    with open(path, "rb") as file:
        raw = file.read()
    while at + HEADER.size <= len(raw):
        op, durable, number, offset, ticket, n, m = HEADER.unpack_from(raw, at)
        at += HEADER.size
        events.append(
            Event(chr(op), durable, number, offset, ticket, raw[at:at + n], raw[at + n:at + n + m])
        )
        at += n + m
    return events


def parent(path):
    return path.rpartition("/")[0]


class Disk:
    """The state after some events: what is safe, and what is pending."""

    def __init__(self, base=None):
        """`base`: path to content (`None` for a folder), all of it safe before the first event."""
        self.names, self.content, self.pending = {}, {}, []
        self.before, self.begun = {}, {}
        self.hash = 0
        for i, (path, content) in enumerate(sorted((base or {}).items())):
            number = FOLDER if content is None else -1 - i
            self.names[path] = number
            if number:
                self.content[number] = bytearray(content)
        self.view = dict(self.names)  # the names as the process sees them

    def step(self, index, event):
        op = event.op
        if op in "CEKXRUL":
            self.name(index, event)
        elif op in "WT":
            data = event.payload if op == "W" else None
            self.pending.append(
                Pending(index, op, event.file, event.offset, data, None, None, bool(event.durable))
            )
        elif op == "B":
            self.begun[event.ticket] = index
        elif op == "S":
            begun = self.begun.pop(event.ticket)
            self.settle(lambda p: p.op in "WT" and p.file == event.file and p.index < begun)
        elif op == "D":
            begun, folder = self.begun.pop(event.ticket), event.payload.decode()
            self.settle(
                lambda p: p.op in "CKXRUL" and p.index < begun
                and parent(p.second or p.path) == folder
            )
        elif op == "P":
            name = next((k for k, v in self.view.items() if v == event.file), "?")
            if not re.search(r"lock", name.rpartition("/")[2]):
                raise Void(f"{name} is mapped for writing; its changes cannot be recorded")
        elif op == "?":
            raise Void(f"the recorder saw {event.payload.decode()}, which the model does not cover")

    def name(self, index, event):
        path = event.payload.decode()
        second = event.second.decode() if event.op in "RL" else None
        if event.op == "E":
            known = self.view.get(path)
            if known is None:
                raise Void(f"{path} was there before the recording, and is not in the base")
            for names in (self.names, self.view):
                for key in [k for k, v in names.items() if v == known]:
                    names[key] = event.file
            self.content[event.file] = self.content.pop(known)
            self.pending = [
                p._replace(file=event.file) if p.file == known and known else p for p in self.pending
            ]
            return
        # A change of names is about one file: it cannot happen to a later one of the same name.
        file = event.file if event.op == "C" else self.view.get(path, FOLDER)
        item = Pending(index, event.op, file, 0, None, path, second, False)
        if event.op == "C":
            self.content.setdefault(event.file, bytearray())
        apply_name(self.view, item)
        self.pending.append(item)

    def settle(self, covered):
        rest = []
        for item in self.pending:
            if not covered(item):
                rest.append(item)
                continue
            if item.op in "WT":
                apply_data(self.content[item.file], item)
            else:
                apply_name(self.names, item)
            self.hash ^= mark(item.index)
        self.pending = rest

    def build(self, chosen, torn=None):
        """The files of a picture: path to content, `None` for folders."""
        names, changed = dict(self.names), {}
        for item in self.pending:
            if item.op in "WT":
                if item.index not in chosen and not item.must and not torn:
                    continue
                if item.file not in changed:
                    changed[item.file] = bytearray(self.content[item.file])
                if torn and not item.must and item.op == "W":
                    for offset, data in torn_sectors(item, torn):
                        put(changed[item.file], offset, data)
                elif item.must or item.index in chosen or item.op == "T":
                    apply_data(changed[item.file], item)
            elif item.index in chosen or torn:
                apply_name(names, item)
        result = {}
        for path in sorted(names):
            above = parent(path)
            if above and above not in result:
                continue  # its folder's own name did not make it
            number = names[path]
            result[path] = None if number == FOLDER else changed.get(number, self.content[number])
        return result


@functools.cache
def mark(index):
    """A number for an event, so that a set of events is known by the exclusive or of its marks."""
    return random.Random(index * 2654435761 + 12345).getrandbits(96)


def put(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def apply_data(content, item):
    if item.op == "W":
        put(content, item.offset, item.data)
    elif item.offset < len(content):
        del content[item.offset:]
    else:
        content.extend(bytes(item.offset - len(content)))


def torn_sectors(item, seed):
    """The parts of a write that made it, whole sectors each."""
    chance, at = random.Random(seed * 1_000_003 + item.index), 0
    while at < len(item.data):
        size = min(SECTOR - (item.offset + at) % SECTOR, len(item.data) - at)
        if chance.random() < 0.5:
            yield item.offset + at, item.data[at:at + size]
        at += size


def apply_name(names, item):
    """Changes the names; a change that does not fit what is there did not happen."""
    if item.op == "C":
        names[item.path] = item.file
    elif item.op == "K":
        names[item.path] = FOLDER
    elif names.get(item.path) != item.file:
        return
    elif item.op in "UX":
        del names[item.path]
    else:
        if item.op == "L":
            names[item.second] = names[item.path]
            return
        for key in [k for k in names if k == item.path or k.startswith(item.path + "/")]:
            names[item.second + key[len(item.path):]] = names.pop(key)


def subsets(items, rounds, chance, small=6, many=40):
    """Sets of what may have made it: prefixes, all but one, one only, every one of few, some at random."""
    n = len(items)
    some = range(n) if n <= many else sorted(chance.sample(range(n), many))
    yield frozenset()
    yield frozenset(items)
    for i in some:
        yield frozenset(items[:i])
        yield frozenset(items[:i] + items[i + 1:])
        yield frozenset(items[i:i + 1])
    if n <= small:
        for count in range(n + 1):
            yield from map(frozenset, itertools.combinations(items, count))
    else:
        for _ in range(rounds):
            share = chance.choice((0.1, 0.5, 0.9))
            yield frozenset(i for i in items if chance.random() < share)


def is_point(event):
    """After these a picture can be legal that was not before, or one that was no longer is."""
    return event.op in "ABRU" or (event.op == "W" and event.durable)


def images(events, base, rounds, seed, progress=None):
    """Every picture to look at, without building it: distinct ones only, in the order of the log.

    `progress`: (acknowledged, parts) for a log without acknowledgements.
    """
    chance, disk, seen = random.Random(seed), Disk(base), set()
    acked, parts = progress or (-1, frozenset())
    last = len(events) - 1
    for i, event in enumerate(events):
        disk.step(i, event)
        if event.op == "A" and not progress:
            acked, parts = acknowledged(event.payload.decode(), acked, parts)
        if not is_point(event) and i != last:
            continue
        # Through O_DSYNC it is there afterwards; while it was running it was one of many.
        for running in ([True, False] if event.op == "W" else [False]):
            if running:
                disk.pending[-1] = disk.pending[-1]._replace(must=False)
            yield from at_point(disk, i, running, acked, parts, rounds, chance, seen)
            if running:
                disk.pending[-1] = disk.pending[-1]._replace(must=bool(event.durable))


def at_point(disk, i, running, acked, parts, rounds, chance, seen):
    data = [p.index for p in disk.pending if p.op in "WT" and not p.must]
    names = [p.index for p in disk.pending if p.op not in "WT"]
    base = disk.hash
    for p in disk.pending:
        if p.must:
            base ^= mark(p.index)
    every = frozenset(names)
    for named in dict.fromkeys(subsets(names, 8, chance, small=4, many=8)):
        if named == every:
            chosen = subsets(data, rounds, chance)
        else:
            chosen = [frozenset(), frozenset(data)] + [
                frozenset(j for j in data if chance.random() < 0.5) for _ in range(2)
            ]
        for subset in dict.fromkeys(chosen):
            key = base
            for j in subset | named:
                key ^= mark(j)
            if (key, acked, parts) in seen:
                continue
            seen.add((key, acked, parts))
            yield Image((i, running), acked, parts, subset | named, None)
    if data:
        for _ in range(max(2, rounds // 2)):
            yield Image((i, running), acked, parts, every, chance.getrandbits(40) + 1)


def acknowledged(text, acked, parts):
    """A line "N": step N and all before it; "N:p": part p of step N."""
    for line in text.split():
        step, _, part = line.partition(":")
        if part:
            parts = parts | {int(part)}
        else:
            acked, parts = int(step), frozenset()
    return acked, parts


def built(events, base, wanted):
    """The files of each wanted picture; `wanted` is in the order of the log."""
    disk, at = Disk(base), -1
    for image in wanted:
        index, running = image.point
        while at < index:
            at += 1
            disk.step(at, events[at])
        last = disk.pending[-1] if running else None
        if last:
            disk.pending[-1] = last._replace(must=False)
        yield image, disk.build(image.chosen, image.torn)
        if last:
            disk.pending[-1] = last
