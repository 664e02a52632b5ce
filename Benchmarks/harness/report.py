"""The machine, results as JSON lines, tables between markers of a page, and progress."""
import datetime
import json
import math
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys


def say(text, end=False):
    """A line of progress on standard error; on a terminal it takes the place of the one before."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K" + text + ("\n" if end else ""))
    else:
        sys.stderr.write(text + "\n")
    sys.stderr.flush()


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if re.match(r"model name|Model\s*:", line):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    if shutil.which("sysctl"):
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        if asked.returncode == 0:
            return asked.stdout.strip()
    return platform.processor() or platform.machine()




def conditions(command):
    """Where, when and how something was measured."""
    return {
        "cpu": processor(), "machine": platform.machine(), "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "date": datetime.date.today().isoformat(), "load": round(os.getloadavg()[0], 1),
        "command": command,
    }


def in_words(conditions):
    text = (f"{conditions['cpu']}, {conditions['cores']} cores, {conditions['kernel']}, "
            f"{conditions['date']}")
    # What else ran is part of the figure.
    if conditions["load"] > 0.5 * conditions["cores"]:
        text += f", load {conditions['load']} when it began: other work ran, compare ratios only"
    return text


def keep(path, kind, values):
    """Appends a result to a file of JSON lines."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        file.write(json.dumps({"kind": kind, **values}) + "\n")


def last_object(command, what):
    """Runs a program that prints a JSON object as its last line; its progress goes through."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        sys.exit(f"{what} failed with {done.returncode}: {shlex.join(command)}")
    return json.loads(lines[-1])


def frontier(points):
    """Points by recall; each has the best rate of all that reach its recall."""
    best, found = 0, []
    for _, recall, rate in sorted(points, key=lambda point: -point[1]):
        best = max(best, rate)
        found.append((recall, best))
    return found[::-1]


def rate_at(points, recall):
    """Queries a second at a recall: between the two widths around it, on a straight line of the
    rate's logarithm. The first width's where it is above already, None where no width gets there."""
    before = None
    for reached, rate in frontier(points):
        if reached >= recall:
            if before is None or before[0] >= reached:
                return rate
            share = (recall - before[0]) / (reached - before[0])
            return math.exp(math.log(before[1]) * (1 - share) + math.log(rate) * share)
        before = (reached, rate)
    return None


def value_at(points, values, recall):
    """Another value of each width, `values` by width, at a recall: on a straight line."""
    before = None
    for width, reached, _ in sorted(points):
        if reached >= recall:
            if before is None or before[0] >= reached:
                return values[width]
            share = (recall - before[0]) / (reached - before[0])
            return before[1] * (1 - share) + values[width] * share
        before = (reached, values[width])
    return None


def exponent(sizes, values):
    """The slope of a line through the logarithms: values grow as sizes to this power."""
    pairs = [(math.log(n), math.log(v)) for n, v in zip(sizes, values) if v]
    if len(pairs) < 2:
        return None
    middle = [sum(column) / len(pairs) for column in zip(*pairs)]
    spread = sum((x - middle[0]) ** 2 for x, _ in pairs)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in pairs) / spread


def grouped(number):
    """A number to three digits, in groups of three."""
    if not number:
        return "–"
    if abs(number) < 100:
        return f"{number:.3g}"
    digits = 3 - len(str(int(abs(number))))
    return f"{round(number, min(digits, 0)):,.0f}".replace(",", "\u202f")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def put(page, name, text):
    """Replaces what is between a page's markers of this name; adds them at the end if there are none."""
    page = pathlib.Path(page)
    begin, end = f"<!-- bench:{name} -->", f"<!-- bench:{name}:end -->"
    content = page.read_text(encoding="utf-8") if page.exists() else "# Performance\n"
    block = f"{begin}\n{text.strip()}\n{end}"
    if begin in content:
        head, rest = content.split(begin, 1)
        content = head + block + rest.split(end, 1)[1]
    else:
        content = content.rstrip("\n") + "\n\n" + block + "\n"
    page.write_text(content, encoding="utf-8")
