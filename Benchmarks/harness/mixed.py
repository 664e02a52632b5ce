"""How quickly one thread searches while others insert and index."""
import statistics

import report


def run(options, chosen, command):
    conditions = report.conditions(command)
    report.keep(options.results, "conditions", dict(set="mixed", **conditions))
    rows = {"steady": [], "burst": []}
    for threads in options.indexing_threads:
        found = []
        for turn in range(options.rounds):
            report.say(f"{chosen.name}, {threads} indexing, round {turn + 1} of {options.rounds}", True)
            one = report.last_object(
                [options.vdbtool, "bench", "mixed", "--base", chosen.base, "--queries", chosen.queries, "--metric",
                 chosen.metric, "--indexing-threads", threads, "--ef", options.ef, "--seconds", options.seconds,
                 "--backlog", options.backlog, "--json"], "vdbtool bench mixed")
            found.append(one)
            report.keep(options.results, "mixed", dict(set=chosen.name, indexing_threads=threads, **one))
        for inflow, lines in rows.items():
            def middle(key):
                return statistics.median(one[inflow][key] for one in found)

            lines.append([
                inflow, str(threads), report.grouped(statistics.median(
                    (one[inflow]["alone_before_qps"] + one[inflow]["alone_after_qps"]) / 2 for one in found)),
                report.grouped(middle("during_qps")), report.grouped(middle("rows_per_s")),
                report.grouped(middle("unlinked_mean")), f"{middle('of_alone'):.2f}", f"{middle('fair_share'):.2f}",
                f"{middle('of_fair_share'):.2f}", f"{middle('running'):.2f}",
                f"{middle('of_alone_per_running_s'):.2f}"])
    text = "\n\n".join([
        f"### Searching while inserting: {chosen.name}, {chosen.describe()}",
        f"{report.in_words(conditions)}. `{command}`. Medians of {options.rounds} rounds, one searching thread, "
        f"width {options.ef}. Steady: commits of 100 rows, at most {report.grouped(options.backlog)} of them unlinked; "
        "burst: as fast as the disk takes them. The fair share is cores over busy threads: the searching one and "
        "those that index. The last column leaves out the time in which the thread had no core.",
        report.table(["rows come", "indexing threads", "QPS alone", "QPS during", "rows/s inserted and indexed",
                      "unlinked on average", "of alone", "fair share", "of the fair share", "share of time running",
                      "of alone per second of running"], rows["steady"] + rows["burst"])])
    print(text)
    if options.write:
        report.put(options.page, "mixed", text)
