#!/usr/bin/env python3
"""Kill an import of texts with SIGKILL at random moments, resume it, and compare the stores.

    import_kill.py [--binary PATH] [--cycles N] [--seed S] [--texts N] [--most-kills N]

One import runs undisturbed. In each cycle another one into a fresh store is killed one to a few times,
each time resumed with `--resume`, and in the end let run. Its export must be the undisturbed one's,
record for record and in the same order, its store sound, and its place in the source taken away.
"""
import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import time

import crashlab


def write_texts(path, count, chance):
    """Texts with and without ids, some equal after cleaning, far from each other and close by."""
    with open(path, "w") as file:
        for number in range(count):
            other = chance.randrange(number + 1) if chance.random() < 0.2 else number
            entry = {"text": f"note  {other} about <b>thing</b> {other % 77} ", "n": number}
            if chance.random() < 0.7:
                entry["id"] = number if chance.random() < 0.95 else chance.randrange(number + 1)
            file.write(json.dumps(entry) + "\n")


def run(binary, *arguments, seconds=None):
    """Runs to the end, or is killed when the time is over; what it printed and its status."""
    process = subprocess.Popen(
        [binary, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=crashlab.environment(),
    )
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
    return output, errors, process.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("VDB_TOOL") or str(crashlab.ROOT / ".build/release/vdbtool")
    parser.add_argument("--binary", default=default)
    parser.add_argument("--cycles", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=12000)
    parser.add_argument("--most-kills", type=int, default=4)
    options = parser.parse_args()

    chance, counts, failures = random.Random(options.seed), collections.Counter(), []
    work, begun = crashlab.work_folder(), time.monotonic()
    texts, whole = os.path.join(work, "texts.jsonl"), os.path.join(work, "whole")
    settings = ["--file", texts, "--embed", "hash:16", "--load-batch", "60", "--embed-batch", "16",
                "--write-batch", "50", "--indexing", "manual", "--json"]
    try:
        write_texts(texts, options.texts, chance)
        start = time.monotonic()
        _, errors, status = run(options.binary, "import", whole, *settings)
        if status:
            sys.exit(f"The undisturbed import failed: {errors.decode()}")
        longest = time.monotonic() - start
        expected = run(options.binary, "export", whole)[0]
        for cycle in range(options.cycles):
            store = os.path.join(work, f"store-{cycle}")
            for attempt in range(chance.randint(1, options.most_kills)):
                limit = chance.uniform(0, 0.9 * longest)
                start = time.monotonic()
                status = run(options.binary, "import", store, "--resume", *settings, seconds=limit)[2]
                counts["killed" if status < 0 else "quicker than the kill"] += 1
                if status == 0:
                    # The undisturbed one may have met a slow moment: kills shall fall into the others.
                    if attempt == 0:
                        longest = min(longest, time.monotonic() - start)
                    break
            status_before = status
            output, errors, status = run(options.binary, "import", store, "--resume", *settings)
            if status:
                failures.append(f"cycle {cycle}: {errors.decode()}")
                continue
            passed = json.loads(output)["resumption"]["entries"]
            if status_before != 0:
                where = "behind committed texts" if passed else "at the beginning"
                counts["resumed " + where] += 1
            if run(options.binary, "export", store)[0] != expected:
                failures.append(f"cycle {cycle}: the store differs from the undisturbed one")
            if run(options.binary, "verify", store, "--quiet")[2]:
                failures.append(f"cycle {cycle}: the store is not sound")
            again = json.loads(run(options.binary, "import", store, "--resume", *settings)[0])
            if again["resumption"]["entries"] or again["inserted"] or again["replaced"]:
                failures.append(f"cycle {cycle}: a place was left behind: {again}")
            shutil.rmtree(store, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for kind, count in sorted(counts.items()):
        print(f"  {count:6d}  {kind}")
    for failure in failures:
        print("FAILURE", failure)
    print(f"Imports killed and resumed: {options.cycles} cycles, {counts['killed']} kills, "
          f"{len(failures)} bad, {time.monotonic() - begun:.1f} s (--seed {options.seed})")
    sys.exit(1 if failures or not counts["killed"] else 0)


if __name__ == "__main__":
    main()
