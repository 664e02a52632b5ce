#!/usr/bin/env python3
"""Flip single bits of a closed store's files and have all of it read, searched and verified.

    bitflip.py [--binary PATH] [--flips N] [--steps N] [--seed S] [--jobs N] [--strict]

Each flip is one of four things: reported (a typed error, or verify names it while every answer is
right), harmless (every answer right, nothing reported), silent (a wrong answer without an error: the run
fails) or died (a signal; listed with the file, offset and kind of page; fails with --strict).
"""
import argparse
import collections
import os
import random
import shutil
import struct
import subprocess
import sys
import time

import crashlab
import powerloss

PAGE = 4096
KINDS = {1: "branch page", 2: "leaf page", 4: "overflow page", 8: "meta page"}


def read_tree(root):
    tree = {}
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        prefix = "" if inside == "." else inside + "/"
        for name in sorted(folders):
            tree[prefix + name] = None
        for name in sorted(files):
            with open(os.path.join(folder, name), "rb") as file:
                tree[prefix + name] = file.read()
    return dict(sorted(tree.items()))


def page_kinds(content):
    """Page number to kind, by LMDB's page headers; a page inside an overflow run has none."""
    kinds, page = {}, 0
    while (page + 1) * PAGE <= len(content):
        number, _, flags, pages = struct.unpack_from("<QHHI", content, page * PAGE)
        kind = KINDS.get(flags & 15)
        if number != page or kind is None:
            kinds[page], page = "free page", page + 1
            continue
        run = pages if flags & 4 and 0 < pages <= len(content) // PAGE else 1
        for inside in range(run):
            kinds[page + inside] = kind if inside == 0 else "inside an overflow run"
        page += run
    return kinds


def choose_flips(tree, count, chance):
    """(file, bit): every file has its share, larger ones more."""
    files = [name for name, content in tree.items() if content]
    total = sum(len(tree[name]) for name in files)
    flips = []
    for name in files:
        share = max(min(50, count // len(files)), count * len(tree[name]) // total)
        flips += [(name, chance.randrange(len(tree[name]) * 8)) for _ in range(share)]
    chance.shuffle(flips)
    return flips[:count]


def classify(answer):
    word = answer.split(" ", 1)[0]
    if word in ("refused", "error", "damage"):
        return "reported"
    if word == "ok":
        return "harmless"
    if word == "bad":
        return "silent"
    return "died"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=crashlab.default_binary())
    parser.add_argument("--flips", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=22)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--strict", action="store_true", help="a process that dies fails the run")
    options = parser.parse_args()

    work, begun = crashlab.work_folder(), time.monotonic()
    checkers = [crashlab.Checker([options.binary, "check"], timeout=20) for _ in range(options.jobs)]
    counts, listed, waiting = collections.Counter(), [], collections.deque()
    try:
        made = os.path.join(work, "made")
        os.mkdir(made)
        store = os.path.join(made, "store")
        subprocess.run(
            [options.binary, "workload", store, str(options.seed), str(options.steps)],
            check=True, stdout=subprocess.DEVNULL,
        )
        tree = read_tree(made)
        kinds = {name: page_kinds(content) for name, content in tree.items()
                 if content and name.endswith("data.mdb")}
        print({name: len(content) for name, content in tree.items() if content is not None})

        def collect():
            slot, name, bit = waiting.popleft()
            answer = checkers[slot].answer()
            kind, byte = classify(answer), bit // 8
            where = kinds.get(name, {}).get(byte // PAGE, "not a page")
            counts[kind, where] += 1
            if kind in ("silent", "died"):
                listed.append(f"{kind.upper()} {name} byte {byte} (page {byte // PAGE}, {where}, "
                              f"offset {byte % PAGE}) bit {bit % 8}: {answer[:300]}")

        for i, (name, bit) in enumerate(choose_flips(tree, options.flips, random.Random(options.seed))):
            slot = i % options.jobs
            if len(waiting) == options.jobs:
                collect()
            changed = bytearray(tree[name])
            changed[bit // 8] ^= 1 << bit % 8
            folder = os.path.join(work, f"image-{slot}")
            powerloss.write_image({**tree, name: changed}, folder)
            checkers[slot].ask(
                os.path.join(folder, "store"), options.steps, options.steps, options.seed, ()
            )
            waiting.append((slot, name, bit))
        while waiting:
            collect()
    finally:
        for checker in checkers:
            checker.close()
        shutil.rmtree(work, ignore_errors=True)
    for (kind, where), count in sorted(counts.items()):
        print(f"  {count:6d}  {kind:9s} {where}")
    for line in listed[:200]:
        print(line)
    sums = collections.Counter()
    for (kind, _), count in counts.items():
        sums[kind] += count
    print(f"BIT FLIPS: {sum(sums.values())}: {sums['reported']} reported, {sums['harmless']} harmless, "
          f"{sums['silent']} silent, {sums['died']} died, {time.monotonic() - begun:.1f} s")
    sys.exit(1 if sums["silent"] or (options.strict and sums["died"]) else 0)


if __name__ == "__main__":
    main()
