#!/usr/bin/env python3
"""Cut the power of a recorded workload at every point and ask the judge about what is left.

    powerloss.py [--binary PATH] [--steps N] [--seed S] [--images N] [--recoveries N] [--jobs N]
                 [--swallow-sync] [--failures FOLDER]

Runs `vdb-crashlab workload` under the recorder, rebuilds crash images of the whole store folder (the
rules stand in disk.py) and has `vdb-crashlab check` open each one: every acknowledged step must be there
whole, every other one whole or not at all. With --recoveries, opening some of the images is recorded as
well, and the power is cut again during that. With --swallow-sync no sync counts: images must then fail,
or the harness proves nothing. Exit: 0 as it must be, 1 not, 2 the recording is void.
"""
import argparse
import collections
import os
import random
import shutil
import sys
import time

import crashlab
import disk


class Outcome:
    """Counts, and the first failures with what is needed to look at them again."""

    def __init__(self, keep=None):
        self.counts, self.failures, self.keep = collections.Counter(), [], keep

    def add(self, image, answer, folder, label):
        word = answer.split(" ", 1)[0]
        if word == "refused" and image.acked < 0:
            kind = "refused before the store was acknowledged (legal)"
        elif word == "ok":
            kind = "ok"
        else:
            kind = "FAILED " + " ".join(answer.split(" ")[:2])
            if len(self.failures) < 10:
                self.failures.append(f"{label} {image}: {answer}"[:600])
                if self.keep:
                    target = os.path.join(self.keep, f"{label}-{len(self.failures)}")
                    shutil.rmtree(target, ignore_errors=True)
                    shutil.copytree(folder, target)
        self.counts[kind] += 1

    @property
    def bad(self):
        return sum(n for kind, n in self.counts.items() if kind.startswith("FAILED"))


def write_image(files, folder):
    crashlab.empty(folder)
    for path, content in files.items():
        full = os.path.join(folder, path)
        if content is None:
            os.mkdir(full)
        else:
            with open(full, "wb", buffering=0) as file:
                file.write(content)


def judge(events, base, wanted, command, work, seed, jobs, outcome, label):
    """Builds each wanted image and asks a judge; several judges work side by side."""
    checkers = [crashlab.Checker(command) for _ in range(jobs)]
    waiting = collections.deque()

    def collect():
        slot, image, folder = waiting.popleft()
        outcome.add(image, checkers[slot].answer(), folder, label)

    for i, (image, files) in enumerate(disk.built(events, base, wanted)):
        slot = i % jobs
        if len(waiting) == jobs:
            collect()
        folder = os.path.join(work, f"image-{slot}")
        write_image(files, folder)
        started = image.acked + 1  # before the store is acknowledged no step can have begun
        checkers[slot].ask(
            os.path.join(folder, "store"), image.acked, started, seed, image.parts
        )
        waiting.append((slot, image, folder))
    while waiting:
        collect()
    for checker in checkers:
        checker.close()


def choose(every, count, seed):
    if len(every) <= count:
        return every
    picked = random.Random(seed).sample(range(len(every)), count)
    return [every[i] for i in sorted(picked)]


def enumerate_images(events, base, count, seed, progress=None):
    """Enough random subsets at each point that there are `count` pictures to choose from."""
    rounds = 4
    while True:
        every = list(disk.images(events, base, rounds, seed, progress))
        if len(every) >= count or rounds >= 256:
            return every
        rounds *= 4


def run(options, workload, check, recover=None):
    work = crashlab.work_folder()
    outcome = Outcome(options.failures)
    try:
        library = crashlab.build_recorder(work)
        root = os.path.join(work, "recorded")
        os.mkdir(root)
        log = os.path.join(work, "log")
        begun = time.monotonic()
        code = crashlab.record(library, root, log, workload(os.path.join(root, "store")),
                               swallow=options.swallow_sync)
        if code:
            raise disk.Void(f"the workload ended with {code}")
        events = disk.read_log(log)
        kinds = collections.Counter(e.op + ("d" if e.op == "W" and e.durable else "") for e in events)
        print(f"recorded in {time.monotonic() - begun:.1f} s: {len(events)} events",
              dict(sorted(kinds.items())), f"{os.path.getsize(log) / 1e6:.1f} MB")
        every = enumerate_images(events, None, options.images, options.seed)
        wanted = choose(every, options.images, options.seed)
        print(f"{len(every)} different images, {len(wanted)} of them to check")
        begun = time.monotonic()
        judge(events, None, wanted, check, work, options.seed, options.jobs, outcome, "cut")
        if recover and options.recoveries and not options.swallow_sync:
            cut_recoveries(options, library, events, wanted, check, recover, work, outcome)
        seconds = time.monotonic() - begun
        total = sum(outcome.counts.values())
        print(f"{total} images checked in {seconds:.1f} s ({total / max(seconds, 1e-9):.0f}/s)")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return outcome


def cut_recoveries(options, library, events, wanted, check, recover, work, outcome):
    """Cuts the power again while a store recovers from the first cut."""
    chosen = choose([w for w in wanted if w.acked >= 0], options.recoveries, options.seed + 1)
    share = max(20, options.images // 20 // max(1, len(chosen)))
    for n, (image, files) in enumerate(disk.built(events, None, chosen)):
        base = {path: content if content is None else bytes(content)
                for path, content in files.items()}
        root, log = os.path.join(work, "recovered"), os.path.join(work, f"log-{n}")
        write_image(base, root)
        code = crashlab.record(library, root, log, recover(os.path.join(root, "store")))
        if code:
            outcome.add(image, f"recovery ended with {code}", root, f"recovery-{n}")
            continue
        again = disk.read_log(log)
        os.unlink(log)
        progress = (image.acked, image.parts)
        every = enumerate_images(again, base, share, options.seed + n, progress)
        judge(again, base, choose(every, share, n), check, work, options.seed, options.jobs,
              outcome, f"recovery-{n}")


def report(outcome, swallow):
    for kind, count in sorted(outcome.counts.items()):
        print(f"  {count:8d}  {kind}")
    total = sum(outcome.counts.values())
    if swallow:
        print(f"CONTROL: with syncs swallowed {outcome.bad} of {total} images fail"
              + ("" if outcome.bad else ": the harness cannot fail, so it proves nothing"))
        return 0 if outcome.bad else 1
    for failure in outcome.failures:
        print("FAILURE", failure)
    print(f"POWER LOSS: {total} images, {outcome.bad} bad")
    return 1 if outcome.bad or not total else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=crashlab.default_binary())
    parser.add_argument("--steps", type=int, default=70)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--images", type=int, default=10_100)
    parser.add_argument("--recoveries", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--swallow-sync", action="store_true")
    parser.add_argument("--failures", help="where to keep the first images that fail")
    options = parser.parse_args()
    try:
        outcome = run(
            options,
            lambda store: [options.binary, "workload", store, str(options.seed),
                           str(options.steps), "--ack-fd", "{ack}"],
            [options.binary, "check"],
            lambda store: [options.binary, "recover", store],
        )
    except disk.Void as void:
        print(f"VOID: {void}")
        sys.exit(2)
    sys.exit(report(outcome, options.swallow_sync))


if __name__ == "__main__":
    main()
