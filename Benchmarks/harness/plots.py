"""A plot of recall and rate as SVG, written by hand: readable on light and on dark pages."""
import math
import textwrap
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 500
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 90, 116
RECALLS = [0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999]
# Told apart by people who see colours otherwise, too (Okabe and Ito); the shape says it again.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"]
DARK_COLOURS = ["#56b4e9", "#ff8c42", "#2fd6a6", "#f0a6cf", "#ffc94d"]
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 16px; font-weight: 600 }
.small { font-size: 11px; fill: #59636e } .grid { stroke: #d1d9e0 } .frame { stroke: #59636e; fill: none }
.line { fill: none; stroke-width: 2 } .back { fill: #ffffff }
"""
DARK = """\
text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #30363d } .frame { stroke: #9198a1 }
.back { fill: #0d1117 }
"""


def scale_of_recall(recall):
    """Each halving of what is missed takes the same room."""
    return -math.log10(max(1 - recall, 5e-4))


def marker(shape, x, y, colour):
    size = 4
    if shape == 0:
        return f'<circle class="{colour}-fill" cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'
    corners = {
        1: [(-1, -1), (1, -1), (1, 1), (-1, 1)], 2: [(0, -1.3), (1.2, 1), (-1.2, 1)],
        3: [(0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)], 4: [(0, 1.3), (1.2, -1), (-1.2, -1)],
    }[shape]
    points = " ".join(f"{x + size * a:.1f},{y + size * b:.1f}" for a, b in corners)
    return f'<polygon class="{colour}-fill" points="{points}"/>'


def number(value):
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if value >= 1e3 else f"{value:g}"


def recall_plot(title, curves, footer):
    """An SVG of `curves`, a list of (name, [(recall, queries a second), ...]), ours first."""
    points = [(r, q) for _, curve in curves for r, q in curve if q > 0]
    ticks = [r for r in RECALLS if r >= min(0.9, min(r for r, _ in points))]
    low = scale_of_recall(ticks[0]) - 0.03
    high = max(scale_of_recall(0.999), max(scale_of_recall(r) for r, _ in points)) + 0.05
    shown = [q for r, q in points if scale_of_recall(r) >= low]
    bottom, top = math.log10(min(shown)) - 0.06, math.log10(max(shown)) + 0.06

    def x(recall):
        return LEFT + (scale_of_recall(recall) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(rate):
        return HEIGHT - BOTTOM - (math.log10(rate) - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    light = "".join(f".c{i} {{ stroke: {c} }} .c{i}-fill {{ fill: {c} }}\n" for i, c in enumerate(COLOURS))
    dark = "".join(f".c{i} {{ stroke: {c} }} .c{i}-fill {{ fill: {c} }}\n" for i, c in enumerate(DARK_COLOURS))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'width="{WIDTH}" height="{HEIGHT}">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}{light}@media (prefers-color-scheme: dark) {{\n{DARK}{dark}}}\n</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
    ]
    for recall in ticks:
        out.append(f'<line class="grid" x1="{x(recall):.1f}" x2="{x(recall):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        out.append(f'<text text-anchor="middle" x="{x(recall):.1f}" y="{HEIGHT - BOTTOM + 18}">{recall:g}</text>')
    for power in range(math.floor(bottom), math.ceil(top) + 1):
        for step in (1, 2, 5):
            rate = step * 10.0**power
            if bottom <= math.log10(rate) <= top:
                out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(rate):.1f}" y2="{y(rate):.1f}"/>')
                out.append(f'<text text-anchor="end" x="{LEFT - 8}" y="{y(rate) + 4:.1f}">{number(rate)}</text>')
    out.append(f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"/>')
    out.append(f'<text text-anchor="middle" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - BOTTOM + 38}">recall@10</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text text-anchor="middle" transform="translate(20 {middle}) rotate(-90)">queries per second</text>')
    for i, (_, curve) in enumerate(curves):
        colour = f"c{i % len(COLOURS)}"
        places = [(x(r), y(q)) for r, q in sorted(curve) if q > 0 and scale_of_recall(r) >= low]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        out.append(f'<polyline class="line {colour}" points="{path}"/>')
        out.extend(marker(i % 5, a, b, colour) for a, b in places)
    place, line = LEFT, 50
    for i, (name, _) in enumerate(curves):
        colour, width = f"c{i % len(COLOURS)}", 52 + round(7.2 * len(name))
        if place > LEFT and place + width > WIDTH:
            place, line = LEFT, line + 20
        out.append(f'<line class="line {colour}" x1="{place}" x2="{place + 26}" y1="{line}" y2="{line}"/>')
        out.append(marker(i % 5, place + 13, line, colour))
        out.append(f'<text x="{place + 32}" y="{line + 4}">{escape(name)}</text>')
        place += width
    footer = [part for line in footer for part in textwrap.wrap(line, 110)][:4]
    for i, line in enumerate(footer):
        out.append(f'<text class="small" x="{LEFT}" y="{HEIGHT - 54 + 14 * i}">{escape(line)}</text>')
    return "\n".join(out + ["</svg>", ""])
