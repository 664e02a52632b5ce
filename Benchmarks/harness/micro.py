"""The kernels beside the scalar ones and beside reading, and exact search beside reading."""
import report


def run(options, command):
    conditions = report.conditions(command)
    report.keep(options.results, "conditions", dict(set="kernels", **conditions))
    kernels = report.last_object(
        [options.vdbtool, "bench", "kernels", "--dimension", options.dimension, "--megabytes", options.megabytes,
         "--json"], "vdbtool bench kernels")
    report.keep(options.results, "kernels", kernels)
    text = [f"### Kernels and exact search: {options.dimension} numbers", f"{report.in_words(conditions)}. "
            f"`{command}`. One thread; \"of reading\" compares with a plain loop over the same memory, "
            f"{kernels['cache_read_gb_s']:.0f} GB/s in the cache and {kernels['memory_read_gb_s']:.1f} GB/s from memory."]
    rows, by_kernel = [], {}
    for one in kernels["kernels"]:
        by_kernel.setdefault((one["kernel"], one["instructions"]), {})[one["memory"]] = one
    for (kernel, instructions), found in by_kernel.items():
        if instructions != "scalar":
            cache, memory = found["cache"], found["memory"]
            rows.append([kernel, instructions, f"{cache['ns_per_row']:.1f}", f"{cache['of_scalar']:.1f}",
                         f"{memory['gb_s']:.1f}", f"{memory['of_reading']:.2f}"])
    text.append(report.table(["kernel", "instructions", "ns/row in the cache", "× scalar",
                              "GB/s from memory", "of reading"], rows))
    rows = []
    for element in options.elements:
        report.say(f"exact search, {element}", True)
        scan = report.last_object(
            [options.vdbtool, "bench", "scan", "--rows", options.scan_rows, "--dimension", options.dimension,
             "--element", element, "--json"], "vdbtool bench scan")
        report.keep(options.results, "scan", scan)
        rows.append([f"{options.scan_rows} × {element}", f"{scan['read_gb_s']:.1f}", f"{scan['single_gb_s']:.1f}",
                     f"{scan['single_of_reading']:.2f}", f"{scan['batch_gb_s']:.1f}", f"{scan['batch_of_reading']:.2f}"])
    text.append(report.table(["exact search", "plain reading, GB/s", "one query, GB/s", "of reading",
                              "32 queries at once, GB/s", "of reading"], rows))
    text = "\n\n".join(text)
    print(text)
    if options.write:
        report.put(options.page, "kernels", text)
