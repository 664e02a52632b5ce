"""Files of vectors, and exact neighbours."""
import os

import numpy as np

BIN_TYPES = {".u8bin": "<u1", ".i8bin": "<i1", ".fbin": "<f4", ".ibin": "<i4"}
BLOCK = 8192
# Rows kept beyond those asked for: as many may tie with the last one.
SPARE = 32


def load(path):
    """Rows of a .npy, .u8bin, .i8bin, .fbin or .ibin file, mapped, not read."""
    if str(path).endswith(".npy"):
        return np.load(path, mmap_mode="r")
    kind = BIN_TYPES.get(os.path.splitext(path)[1])
    if kind is None:
        raise SystemExit(f"'{path}' is none of .npy, {', '.join(BIN_TYPES)}")
    rows, columns = (int(x) for x in np.fromfile(path, "<u4", 2))
    return np.memmap(path, kind, "r", offset=8, shape=(rows, columns))


def unit(rows):
    """Rows in double precision, scaled to unit length."""
    rows = np.asarray(rows, np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)


def exact_neighbours(base, queries, metric, count=100, say=lambda text: None):
    """Row numbers of the nearest rows of each query, nearest first, ties by row.

    Every distance is computed, in double precision, from the values as they are stored.
    """
    count = min(count, len(base))
    asked = unit(queries) if metric == "cosine" else np.asarray(queries, np.float64)
    best_keys = np.full((len(asked), 0), np.inf)
    best_rows = np.zeros((len(asked), 0), np.int64)
    for first in range(0, len(base), BLOCK):
        block = np.asarray(base[first : first + BLOCK], np.float64)
        if metric == "cosine":
            block = unit(block)
        keys = -(asked @ block.T)
        if metric == "l2":
            keys = 2 * keys + (block * block).sum(1)[None, :]
        rows = np.broadcast_to(np.arange(first, first + len(block)), keys.shape)
        keys = np.concatenate([best_keys, keys], axis=1)
        rows = np.concatenate([best_rows, rows], axis=1)
        if keys.shape[1] > count + SPARE:
            # Some more than asked for, in the order of their rows, so that ties go by row.
            chosen = np.argpartition(keys, count + SPARE - 1, axis=1)[:, : count + SPARE]
            chosen.sort(axis=1)
            keys = np.take_along_axis(keys, chosen, 1)
            rows = np.take_along_axis(rows, chosen, 1)
        best_keys, best_rows = keys, rows
        say(f"exact neighbours: {min(first + BLOCK, len(base))} of {len(base)} rows")
    order = np.argsort(best_keys, axis=1, kind="stable")
    return np.take_along_axis(best_rows, order, 1)[:, :count].astype("<i4")
