"""How build, search, memory and opening grow with the number of rows."""
import pathlib
import shutil
import tempfile

import report
import sets

RECALL = 0.95


def one_size(options, chosen):
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        store = pathlib.Path(folder) / "store"
        found = report.last_object(
            [options.vdbtool, "bench", "ann", "--base", chosen.base, "--queries", chosen.queries, "--truth",
             chosen.truth, "--metric", chosen.metric, "--threads", options.threads[0], "--keep", store, "--json"],
            "vdbtool bench ann")
        opened = report.last_object(
            [options.vdbtool, "bench", "open", store, "--collection", "bench", "--json"], "vdbtool bench open")
        shutil.rmtree(store)
    rate = report.rate_at(found["points"], RECALL)
    scored = report.value_at(found["points"], {width: rows for width, rows, _ in found["scored"]}, RECALL)
    return {
        "set": chosen.name, "rows": chosen.rows, "build_per_s": found["build_per_s"],
        "build_s": found["build_s"], "qps": rate, "scored": scored,
        "ns_per_scored": 1e9 * options.threads[0] / (rate * scored) if rate and scored else None,
        "peak_mb": found.get("peak_mb"), "open_ms": opened["open_ms"], "first_answer_ms": opened["first_answer_ms"],
        "points": found["points"],
    }


def run(options, command):
    conditions = report.conditions(command)
    report.keep(options.results, "conditions", dict(set="growth", **conditions))
    found = []
    for rows in options.sizes:
        chosen = sets.make(options.set, options.folder, rows, options.queries, options.seed, options.source,
                           options.dimension, options.clusters, report.say)
        report.say(f"{chosen.name}: {chosen.describe()}", True)
        found.append(one_size(options, chosen))
        report.keep(options.results, "growth", found[-1])
        kind, dimension, metric = options.set, chosen.dimension, chosen.metric
    sizes = [one["rows"] for one in found]
    exponents = {
        "build time": report.exponent(sizes, [one["build_s"] for one in found]),
        "time of a query": report.exponent(sizes, [one["qps"] and 1 / one["qps"] for one in found]),
        "rows scored": report.exponent(sizes, [one["scored"] for one in found]),
        "time per row scored": report.exponent(sizes, [one["ns_per_scored"] for one in found]),
    }
    report.keep(options.results, "exponents", exponents)
    header = ["rows", "build, rows/s", f"QPS at {RECALL:g}", "rows scored a query", "ns per row scored",
              "peak memory, MB", "open, ms", "first answer, ms"]
    rows = [[f"{one['rows']:,}".replace(",", "\u202f")] + [report.grouped(one[key]) for key in (
        "build_per_s", "qps", "scored", "ns_per_scored", "peak_mb", "open_ms", "first_answer_ms")] for one in found]
    fitted = ", ".join(f"{name} {value:.2f}" for name, value in exponents.items() if value is not None)
    threads = options.threads[0]
    text = "\n\n".join([
        f"### Growth: `{kind}`, {dimension} numbers, {metric}",
        f"{report.in_words(conditions)}, {threads} thread{'s' * (threads > 1)}. `{command}`.",
        report.table(header, rows),
        f"Powers of the number of rows, fitted: {fitted}." if fitted else "One size: nothing to fit."])
    print(text)
    if options.write:
        report.put(options.page, "growth", text)
