#!/usr/bin/env python3
"""Shows that the harness can fail: a correct toy store passes, each broken one is found out."""
import pathlib
import sys
import types

import disk
import powerloss
import toy

TOY = str(pathlib.Path(toy.__file__).resolve())


def bad_images(mode, swallow=False):
    options = types.SimpleNamespace(
        images=600, seed=7, jobs=1, recoveries=0, swallow_sync=swallow, failures=None
    )
    outcome = powerloss.run(
        options,
        lambda store: [sys.executable, TOY, "workload", store, "7", "12", "--ack-fd", "{ack}", mode],
        [sys.executable, TOY, "check"],
    )
    return outcome.bad, sum(outcome.counts.values())


def main():
    wrong = []
    for mode, fault in toy.MODES.items():
        try:
            bad, total = bad_images(mode)
        except disk.Void as void:
            bad, total = 1, f"void: {void}"
        expected = mode != "correct"
        print(f"SELF TEST {mode}: {bad} bad of {total} ({fault or 'nothing left out'})")
        if (bad > 0) != expected:
            wrong.append(mode)
    bad, total = bad_images("correct", swallow=True)
    print(f"SELF TEST correct, syncs swallowed: {bad} bad of {total}")
    if not bad:
        wrong.append("swallowed")
    print("SELF TEST " + (f"FAILED for {wrong}" if wrong else "passed"))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
