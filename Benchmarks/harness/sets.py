"""Sets of vectors to measure on, each made from a seed, of any size.

fixture    the WordNet rows in Fixtures, as they are
blended    blends of related real vectors with some noise: real-looking, of any size
wide       four related real vectors side by side: 1 536 numbers from 384
clustered  a few thousand tight clusters, unequal in size and stretched, with near duplicates
"""
import json
import pathlib

import numpy as np

import vectors

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIXTURE = ROOT / "Fixtures" / "wordnet"
KINDS = ("fixture", "blended", "wide", "clustered")
CANDIDATES = 20_000
RELATED = 32


class VectorSet:
    """Where a set's files are, and what it is."""

    def __init__(self, name, base, queries, truth, metric):
        self.name, self.base, self.queries, self.truth = name, str(base), str(queries), str(truth)
        self.metric = metric
        self.rows, self.dimension = vectors.load(base).shape
        self.query_count = len(vectors.load(queries))

    def describe(self):
        return (f"{self.rows} rows of {self.dimension}, {self.metric}, "
                f"{vectors.load(self.base).dtype}, {self.query_count} queries")


def fixture():
    return VectorSet("wordnet-10k", FIXTURE / "base.f16.npy", FIXTURE / "queries.f32.npy",
                     FIXTURE / "truth.i32.npy", "cosine")


def related_rows(rows, anchors, generator):
    """For each anchor row its RELATED nearest among a sample of rows, itself not among them."""
    sample = np.sort(generator.permutation(len(rows))[:CANDIDATES])
    candidates = rows[sample]
    found = np.empty((len(anchors), RELATED), np.int64)
    for first in range(0, len(anchors), 2048):
        part = anchors[first : first + 2048]
        scores = rows[part] @ candidates.T
        scores[sample[None, :] == part[:, None]] = -np.inf
        found[first : first + len(part)] = sample[np.argpartition(-scores, RELATED, axis=1)[:, :RELATED]]
    return found


class Related:
    """Draws rows and rows related to them from real vectors."""

    def __init__(self, rows, generator):
        self.rows, self.generator = rows, generator
        self.related = related_rows(rows, np.arange(len(rows)), generator)

    def draw(self, count, others):
        anchors = self.generator.integers(0, len(self.rows), count)
        places = self.generator.integers(0, RELATED, (count, others))
        return anchors, self.related[anchors[:, None], places]


def blend(source, count, generator):
    """Blends of a vector with a related one, plus noise of a fifth of its length."""
    anchors, others = source.draw(count, 1)
    weight = generator.random((count, 1), np.float32)
    rows = source.rows[anchors] * weight + source.rows[others[:, 0]] * (1 - weight)
    noise = generator.standard_normal(rows.shape, np.float32)
    rows += noise * (0.2 / np.sqrt(rows.shape[1]))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def side_by_side(source, count, generator):
    """A vector and three related ones, one after the other."""
    anchors, others = source.draw(count, 3)
    rows = np.concatenate([source.rows[anchors]] + [source.rows[others[:, i]] for i in range(3)], axis=1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def split(source, seed):
    """Real vectors, a tenth of which is kept for the queries alone."""
    rows = np.asarray(vectors.load(source), np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    order = np.random.default_rng(seed).permutation(len(rows))
    kept = max(RELATED + 1, len(rows) // 10)
    return rows[order[kept:]], rows[order[:kept]]


class Clusters:
    """Tight clusters with axes of their own, in any number of dimensions."""

    AXES = 12

    def __init__(self, dimension, count, generator):
        self.dimension, self.count, self.generator = dimension, count, generator
        self.centres = generator.standard_normal((count, dimension), np.float32)
        self.axes = generator.standard_normal((count, self.AXES, dimension), np.float32)
        self.axes /= np.sqrt(dimension)
        # How far a cluster reaches, from very tight to a third of the way to the next; and along
        # each axis less than along the one before.
        reach = 0.02 * (16 ** generator.random(count, np.float32)) * np.sqrt(dimension)
        self.lengths = reach[:, None] * 0.75 ** np.arange(self.AXES, dtype=np.float32)[None, :]
        weight = 1 / np.arange(1, count + 1) ** 0.8
        self.weight = weight / weight.sum()

    def draw(self, count):
        which = self.generator.choice(self.count, count, p=self.weight)
        offsets = self.generator.standard_normal((count, self.AXES), np.float32) * self.lengths[which]
        rows = self.centres[which]
        for axis in range(self.AXES):
            rows += offsets[:, axis : axis + 1] * self.axes[which, axis]
        rows += self.generator.standard_normal(rows.shape, np.float32) * 0.005
        # Every tenth row is nearly one of the others.
        copies = self.generator.random(count) < 0.1
        originals = self.generator.integers(0, count, int(copies.sum()))
        rows[copies] = rows[originals]
        rows[copies] += self.generator.standard_normal((len(originals), self.dimension), np.float32) * 1e-4
        return rows


def write_rows(path, rows, dimension, dtype, draw, say):
    """Writes rows piece by piece as `draw` makes them."""
    target = np.lib.format.open_memmap(path, "w+", dtype, (rows, dimension))
    for first in range(0, rows, 65_536):
        count = min(65_536, rows - first)
        target[first : first + count] = draw(count)
        say(f"made {first + count} of {rows} rows")
    target.flush()


def make(kind, folder, rows=100_000, queries=1000, seed=1, source=None, dimension=128, clusters=3000,
         say=lambda text: None):
    """Makes a set in a folder of its own below `folder`, or takes the one there."""
    if kind == "fixture":
        return fixture()
    source = pathlib.Path(source) if source else FIXTURE / "base.f16.npy"
    made_of = dict(kind=kind, rows=rows, queries=queries, seed=seed)
    if kind == "clustered":
        made_of.update(dimension=dimension, clusters=clusters)
    else:
        made_of.update(source=str(source), bytes=source.stat().st_size)
    name = f"{kind}-{rows // 1000}k" if rows % 1000 == 0 else f"{kind}-{rows}"
    place = pathlib.Path(folder) / f"{name}-{queries}q-seed{seed}"
    paths = place / "base.npy", place / "queries.npy", place / "truth.npy"
    metric = "l2" if kind == "clustered" else "cosine"
    stamp = place / "made-of.json"
    if stamp.exists() and json.loads(stamp.read_text()) == made_of:
        return VectorSet(name, *paths, metric)
    place.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    # Queries come from a generator of their own, so that they are the same for any number of rows.
    generator, for_queries = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    if kind == "clustered":
        shape = Clusters(dimension, clusters, generator)
        write_rows(paths[0], rows, dimension, "<f4", shape.draw, say)
        shape.generator = for_queries
        asked = shape.draw(queries)
    else:
        form = blend if kind == "blended" else side_by_side
        stored, kept = split(source, seed)
        width = stored.shape[1] * (1 if kind == "blended" else 4)
        relations = Related(stored, generator)
        write_rows(paths[0], rows, width, "<f2", lambda n: form(relations, n, generator), say)
        asked = form(Related(kept, for_queries), queries, for_queries)
    np.save(paths[1], asked.astype("<f4"))
    base = vectors.load(paths[0])
    np.save(paths[2], vectors.exact_neighbours(base, asked.astype("<f4"), metric, say=say))
    stamp.write_text(json.dumps(made_of))
    return VectorSet(name, *paths, metric)
