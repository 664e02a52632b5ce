"""Ours beside peers at equal recall, in one run."""
import importlib.util
import math
import pathlib
import re
import statistics
import sys

import plots
import report
from peers import PEERS

WIDTHS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
RECALLS = (0.9, 0.95, 0.99)


def importable():
    """The peers that this Python can import."""
    return [name for name, (_, module, _) in PEERS.items() if importlib.util.find_spec(module)]


def ours(options, chosen, threads):
    found = report.last_object(
        [options.vdbtool, "bench", "ann", "--base", chosen.base, "--queries", chosen.queries, "--truth", chosen.truth,
         "--metric", chosen.metric, "--threads", threads, "--repetitions", options.repetitions,
         "--json", "--quiet"], "vdbtool bench ann")
    found["library"] = "vdb"
    return found


def peer(options, name, chosen, threads):
    script = pathlib.Path(__file__).with_name("peers.py")
    return report.last_object(
        [sys.executable, script, "--library", name, "--base", chosen.base, "--queries", chosen.queries,
         "--truth", chosen.truth, "--metric", chosen.metric, "--threads", threads,
         "--repetitions", options.repetitions, "--widths", ",".join(map(str, WIDTHS))], name)


def ratios(before, other, after):
    """Ours over the peer's, ours being the geometric mean of the runs before and after it."""
    both = [before, after]
    found = {"build": math.sqrt(math.prod(run["build_per_s"] for run in both)) / other["build_per_s"]}
    for recall in RECALLS:
        mine = [report.rate_at(run["points"], recall) for run in both]
        theirs = report.rate_at(other["points"], recall)
        found[str(recall)] = math.sqrt(math.prod(mine)) / theirs if all(mine) and theirs else None
    return found


def middle(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def middle_curve(runs):
    """For each width the medians of recall and rate over the runs that measured it."""
    by_width = {}
    for run in runs:
        for width, recall, rate in run["points"]:
            by_width.setdefault(width, []).append((recall, rate))
    return [(width, *(statistics.median(column) for column in zip(*found)))
            for width, found in sorted(by_width.items()) if len(found) * 2 > len(runs)]


def measure(options, chosen, threads):
    """All rounds with so many threads: runs by library, and ratios by peer."""
    runs, found = {"vdb": []}, {}
    for turn in range(options.rounds):
        report.say(f"{chosen.name}, {threads} threads, round {turn + 1} of {options.rounds}: ours", True)
        before = ours(options, chosen, threads)
        runs["vdb"].append(before)
        for name in options.peers:
            report.say(f"{chosen.name}, {threads} threads, round {turn + 1} of {options.rounds}: {name}", True)
            other = peer(options, name, chosen, threads)
            after = ours(options, chosen, threads)
            runs.setdefault(name, []).append(other)
            runs["vdb"].append(after)
            found.setdefault(name, []).append(ratios(before, other, after))
            before = after
    for library, list_of_runs in runs.items():
        for run in list_of_runs:
            report.keep(options.results, "run", dict(set=chosen.name, **{**run, "library": library}))
    return runs, found


def title_of(name, runs):
    if name == "vdb":
        return "vdb (on disk, durable)"
    return f"{PEERS[name][0]} {runs[name][0]['version']}"


def tables(chosen, threads, runs, found):
    """The rates of each library, and ours over each peer's."""
    header = [f"{threads} thread{'s' * (threads > 1)}", "build, rows/s"]
    header += [f"QPS at {recall:g}" for recall in RECALLS] + ["peak memory, MB"]
    rows = []
    for name, list_of_runs in runs.items():
        rates = [middle([report.rate_at(run["points"], recall) for run in list_of_runs]) for recall in RECALLS]
        rows.append([title_of(name, runs), report.grouped(middle([run["build_per_s"] for run in list_of_runs]))]
                    + [report.grouped(rate) for rate in rates]
                    + [report.grouped(middle([run.get("peak_mb") for run in list_of_runs]))])
    text = report.table(header, rows)
    if found:
        ratio_rows = []
        for name, turns in found.items():
            cells = []
            for key in ["build"] + [str(recall) for recall in RECALLS]:
                value = middle([turn[key] for turn in turns])
                cells.append("–" if value is None else f"{value:.2f}")
            ratio_rows.append([f"ours / {PEERS[name][0]}"] + cells)
        text += "\n\n" + report.table(["ratio", "build"] + [f"at {recall:g}" for recall in RECALLS], ratio_rows)
    return text


def run(options, chosen, command):
    conditions = report.conditions(command)
    report.keep(options.results, "conditions", dict(set=chosen.name, **conditions))
    text = [f"### {chosen.name}: {chosen.describe()}", f"{report.in_words(conditions)}. `{command}`. "
            f"Medians of {options.rounds} rounds; peers get 16 links (32 in the base layer) and 200 "
            "candidates while building, ours runs as it comes (16 and 96). A width's rate is the best of "
            f"{options.repetitions} passes over the queries. Each process imports the set itself; peak "
            "memory counts its libraries and, for ours, the mapped file's pages that were touched."]
    for threads in options.threads:
        runs, found = measure(options, chosen, threads)
        text.append(tables(chosen, threads, runs, found))
        report.keep(options.results, "ratios", dict(set=chosen.name, threads=threads, ratios={
            name: {key: middle([turn[key] for turn in turns]) for key in turns[0]} for name, turns in found.items()}))
        curves = [(title_of(name, runs), [(r, q) for _, r, q in middle_curve(list_of_runs)])
                  for name, list_of_runs in runs.items()]
        picture = pathlib.Path(options.plots) / (
            re.sub(r"[^a-z0-9-]+", "-", chosen.name.lower()) + f"-{threads}.svg")
        picture.parent.mkdir(parents=True, exist_ok=True)
        footer = [report.in_words(conditions), command]
        title = f"{chosen.name}: {chosen.rows} rows of {chosen.dimension}, {threads} thread{'s' * (threads > 1)}"
        picture.write_text(plots.recall_plot(title, curves, footer), encoding="utf-8")
        text.append(f"![{title}](plots/{picture.name})")
        print("\n".join(text[-2:-1]), flush=True)
    if options.write:
        report.put(options.page, f"compare-{chosen.name}", "\n\n".join(text))
