#!/usr/bin/env python3
"""A store of a few lines, correct or broken on purpose, to test the harness with.

    toy.py workload STORE SEED STEPS --ack-fd FD MODE
    toy.py check

A step appends a record to a file and syncs it; the acknowledgement comes afterwards. MODES says what
each broken one leaves out.
"""
import os
import struct
import sys
import zlib

MODES = {
    "correct": "",
    "early": "acknowledges before the sync",
    "unsynced": "never syncs its data",
    "nameless": "does not sync the folder after the rename",
    "orphan": "does not sync the folder above its own",
    "premature": "renames its file before the content is synced",
    "inplace": "overwrites a page of two sectors in place, with one checksum for both",
    "mapped": "maps its file for writing",
}
HEAD = struct.Struct("<III")


def body(seed, step):
    return bytes((seed + step + i) & 255 for i in range(200 + step % 7 * 900))


def sync_folder(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def workload(store, seed, steps, ack, mode):
    acknowledge = lambda text: os.write(ack, text.encode() + b"\n")
    os.mkdir(store)
    fd = os.open(store + "/new", os.O_RDWR | os.O_CREAT, 0o600)
    os.write(fd, b"TOY1".ljust(512, b"\0"))
    if mode not in ("premature", "unsynced"):
        os.fsync(fd)
    os.rename(store + "/new", store + "/data")
    if mode != "nameless":
        sync_folder(store)
    if mode != "orphan":
        sync_folder(os.path.dirname(store))
    if mode == "mapped":
        import mmap
        mmap.mmap(fd, 512)
    acknowledge("0")
    for step in range(1, steps + 1):
        if mode == "early":
            acknowledge(str(step))
        if mode == "inplace":
            page = body(seed, step)[:200].ljust(1020, bytes([step & 255]))
            os.pwrite(fd, struct.pack("<I", step) + page + struct.pack("<I", zlib.crc32(page)), 512)
        else:
            content = body(seed, step)
            os.write(fd, HEAD.pack(step, len(content), zlib.crc32(content)) + content)
        if mode not in ("unsynced", "premature") or step > 3 and mode == "premature":
            os.fsync(fd)
        if mode != "early":
            acknowledge(str(step))


def check_store(path, seed):
    with open(path + "/data", "rb") as file:
        raw = file.read()
    if raw[:4] != b"TOY1":
        return "refused no header"
    at, step = 512, 0
    if len(raw) == 512 + 1028:
        number, page = struct.unpack_from("<I", raw, 512)[0], raw[516:516 + 1020]
        if zlib.crc32(page) != struct.unpack_from("<I", raw, 516 + 1020)[0]:
            return "bad torn page"
        return f"ok {number} -"
    while at + HEAD.size <= len(raw):
        number, size, crc = HEAD.unpack_from(raw, at)
        content = raw[at + HEAD.size:at + HEAD.size + size]
        if number != step + 1 or len(content) < size or zlib.crc32(content) != crc:
            break
        if content != body(seed, number):
            return "bad wrong content"
        step, at = number, at + HEAD.size + size
    return f"ok {step} -"


def check():
    for line in sys.stdin:
        path, acked, started, seed, _ = line.split()
        try:
            answer = check_store(path, int(seed))
        except OSError as error:
            answer = f"refused {error.strerror}"
        word = answer.split()
        if word[0] == "ok" and not max(int(acked), 0) <= int(word[1]) <= int(started):
            answer = f"bad lost: step {word[1]} of {acked}"
        print(answer, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check()
    else:
        workload(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[6]), sys.argv[7])
