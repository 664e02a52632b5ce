#!/usr/bin/env python3
"""Measures one library on one set, in a process of its own; prints one JSON object.

Not called by hand; Scripts/bench does. Every library gets the parameters that its documentation
recommends for a comparable graph: 16 links (32 in the base layer), 200 candidates while building.
"""
import argparse
import json
import os
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("library", "base", "queries", "truth", "metric"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--widths", required=True, help="search widths, separated by commas")
    parser.add_argument("--enough", type=float, default=0.9985, help="recall after which no width follows")
    parser.add_argument("--repetitions", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--links", type=int, default=16)
    parser.add_argument("--candidates", type=int, default=200)
    return parser.parse_args()


class Peer:
    """What is measured: `build` once, then `search` with one width after the other."""

    def __init__(self, settings, dimension):
        self.settings, self.dimension = settings, dimension

    def version(self):
        from importlib import metadata
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return "?"


class HNSWLib(Peer):
    package = "hnswlib"

    def build(self, base):
        import hnswlib
        space = {"cosine": "cosine", "l2": "l2", "dot": "ip"}[self.settings.metric]
        self.index = hnswlib.Index(space, self.dimension)
        self.index.init_index(len(base), M=self.settings.links, ef_construction=self.settings.candidates)
        self.index.set_num_threads(self.settings.threads)
        self.index.add_items(base)

    def search(self, queries, width):
        self.index.set_ef(width)
        return self.index.knn_query(queries, 10)[0]


class SVS(Peer):
    """Half precision, the quickest of its forms that needs no training."""

    package = "scalable-vs"

    def prepare(self, base):
        import numpy
        return base.astype(numpy.float16)

    def build(self, base):
        import svs
        far = self.settings.metric == "l2"
        graph = svs.VamanaBuildParameters(
            graph_max_degree=2 * self.settings.links, window_size=self.settings.candidates,
            alpha=1.2 if far else 0.95)
        distance = svs.DistanceType.L2 if far else svs.DistanceType.MIP
        self.index = svs.Vamana.build(graph, base, distance, num_threads=self.settings.threads)
        self.index.num_threads = self.settings.threads

    def search(self, queries, width):
        self.index.search_window_size = width
        return self.index.search(queries, 10)[0]


class USearch(Peer):
    package = "usearch"

    def build(self, base):
        import numpy
        from usearch.index import Index
        metric = {"cosine": "cos", "l2": "l2sq", "dot": "ip"}[self.settings.metric]
        self.index = Index(ndim=self.dimension, metric=metric, dtype="f16",
                           connectivity=self.settings.links, expansion_add=self.settings.candidates)
        self.index.add(numpy.arange(len(base)), base, threads=self.settings.threads)

    def search(self, queries, width):
        self.index.expansion_search = width
        return self.index.search(queries, 10, threads=self.settings.threads).keys


class Faiss(Peer):
    package = "faiss-cpu"

    def build(self, base):
        import faiss
        faiss.omp_set_num_threads(self.settings.threads)
        metric = faiss.METRIC_L2 if self.settings.metric == "l2" else faiss.METRIC_INNER_PRODUCT
        self.index = faiss.IndexHNSWFlat(self.dimension, self.settings.links, metric)
        self.index.hnsw.efConstruction = self.settings.candidates
        self.index.add(base)

    def search(self, queries, width):
        self.index.hnsw.efSearch = width
        return self.index.search(queries, 10)[1]


# By the name to ask for: how it is shown, its module, and how it is called.
PEERS = {
    "hnswlib": ("hnswlib", "hnswlib", HNSWLib),
    "svs": ("SVS, float16", "svs", SVS),
    "usearch": ("USearch, float16", "usearch", USearch),
    "faiss": ("Faiss HNSW", "faiss", Faiss),
}


def megabytes(name):
    """VmRSS, what the process has in memory, or VmHWM, the most it had; None where nobody says."""
    try:
        with open("/proc/self/status") as status:
            return next(round(int(line.split()[1]) / 1024) for line in status if line.startswith(name))
    except OSError:
        return None


def main():
    settings = arguments()
    # Before anything that starts threads is loaded.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(settings.threads)
    import numpy
    import vectors

    def rows(path):
        values = numpy.array(vectors.load(path), numpy.float32)
        if settings.metric == "cosine":  # Libraries without cosine take the inner product of these.
            values /= numpy.maximum(numpy.linalg.norm(values, axis=1, keepdims=True), 1e-30)
        return numpy.ascontiguousarray(values)

    base, queries = rows(settings.base), rows(settings.queries)
    truth = [set(line) for line in numpy.array(vectors.load(settings.truth))[:, :10].tolist()]
    peer = PEERS[settings.library][2](settings, base.shape[1])
    if hasattr(peer, "prepare"):
        base = peer.prepare(base)
    before = megabytes("VmRSS")
    start = time.perf_counter()
    peer.build(base)
    build_seconds = time.perf_counter() - start
    points = []
    for width in (int(text) for text in settings.widths.split(",")):
        seconds = []
        for _ in range(settings.repetitions):
            start = time.perf_counter()
            found = peer.search(queries, width)
            seconds.append(time.perf_counter() - start)
        hits = sum(len(wanted & set(int(row) for row in got)) for wanted, got in zip(truth, found))
        recall = hits / sum(map(len, truth))
        points.append([width, round(recall, 4), round(len(queries) / min(seconds), 1)])
        print(f"{settings.library}: width {width}, recall {recall:.4f}", file=sys.stderr)
        if recall > settings.enough:
            break
    after = megabytes("VmRSS")
    print(json.dumps({
        "library": settings.library, "version": peer.version(), "threads": settings.threads,
        "build_per_s": len(base) / build_seconds, "build_s": round(build_seconds, 2), "points": points,
        "memory_mb": None if before is None else after - before, "peak_mb": megabytes("VmHWM"),
    }))


if __name__ == "__main__":
    main()
