#!/usr/bin/env python3
"""Kill a working store with SIGKILL at random moments, many times, and ask the judge each time.

    kill.py [--binary PATH] [--cycles N] [--seed S] [--store-cycles N] [--longest SECONDS]

`vdb-crashlab cycle` works without end and says on its output what was acknowledged; nothing of that is
kept in the store. After each kill `vdb-crashlab check` compares the reopened store with the plan: what
was acknowledged is there, what was under way is there whole or not at all, deep verification is clean.
The next cycle goes on where the store stands; a new store is begun every few cycles.
"""
import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import time

import crashlab
import disk


def killed(command, seconds):
    """Runs until the time is over; what was acknowledged, and how it ended if it ended by itself."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=crashlab.environment(),
    )
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        return output.decode(), None
    return output.decode(), f"ended by itself with {process.returncode}: {errors.decode()[-300:]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=crashlab.default_binary())
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store-cycles", type=int, default=10)
    parser.add_argument("--longest", type=float, default=1.0)
    options = parser.parse_args()

    chance, checker = random.Random(options.seed), crashlab.Checker([options.binary, "check"])
    counts, steps, failures = collections.Counter(), 0, []
    work, begun = crashlab.work_folder(), time.monotonic()
    try:
        for cycle in range(options.cycles):
            if cycle % options.store_cycles == 0 or failures:
                seed, acked, parts, refusable = options.seed * 1000 + cycle, -1, frozenset(), True
                store = os.path.join(work, f"store-{cycle}")
            names = ",".join(map(str, sorted(parts))) or "-"
            output, ended = killed(
                [options.binary, "cycle", store, str(seed),
                 "--done", str(max(acked, 0)), "--parts", names],
                chance.uniform(0.01, options.longest),
            )
            before = acked
            acked, parts = disk.acknowledged(output, acked, parts)
            steps += max(acked, 0) - max(before, 0)
            checker.ask(store, acked, max(acked, 0) + (acked >= 0), seed, parts)
            answer = checker.answer()
            word = answer.split(" ", 1)[0]
            if ended:
                kind = "workload failed"
            elif word == "ok":
                kind = "ok"
                _, at, there = answer.split()
                acked = int(at) if acked >= 0 else -1
                parts = frozenset() if there == "-" else frozenset(map(int, there.split(",")))
            elif word == "refused" and acked < 0:
                kind = "refused before the store was acknowledged (legal)"
                shutil.rmtree(store, ignore_errors=True)
            else:
                kind = " ".join(answer.split(" ")[:2])
            counts[kind] += 1
            if kind != "ok" and "legal" not in kind:
                failures.append(f"cycle {cycle}, seed {seed}: {ended or answer}")
                break
    finally:
        checker.close()
        shutil.rmtree(work, ignore_errors=True)
    for kind, count in sorted(counts.items()):
        print(f"  {count:6d}  {kind}")
    for failure in failures:
        print("FAILURE", failure)
    print(f"SIGKILL: {sum(counts.values())} cycles, {steps} steps acknowledged, {len(failures)} bad, "
          f"{time.monotonic() - begun:.1f} s (--seed {options.seed})")
    sys.exit(1 if failures or not steps else 0)


if __name__ == "__main__":
    main()
