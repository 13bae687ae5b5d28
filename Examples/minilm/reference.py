#!/usr/bin/env python3
"""Evaluates all-MiniLM-L6-v2 in float64 with NumPy alone: the second opinion on the job's embeddings.

It shares no code with Assay: it reads the same weights by its own means and computes in another order and precision.

    reference.py --model FOLDER --ids ids.npy --lengths lengths.npy -o embeddings.npy [--float32] [--times N]

ids is int32 [sentences, tokens], lengths is int32 or uint32 [sentences]: tokens from there on are padding and are seen by
no other token. Both may be the .raw files of a job folder. The output is [sentences, 384], mean-pooled over the sentence's tokens and of length 1. With --float32 it
computes in single precision, as one would for speed; --times N prints the median of N evaluations: seconds by the clock,
and seconds of all processors.
"""
import argparse
import json
import math
import statistics
import time
from pathlib import Path

import numpy as np

LAYERS, HEADS, WIDTH = 6, 12, 384


def load(folder, dtype):
    raw = (Path(folder) / "model.safetensors").read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, entry in json.loads(raw[8:end]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, last = entry["data_offsets"]
            flat = np.frombuffer(raw, "<f4", (last - first) // 4, end + first)
            tensors[name] = flat.reshape(entry["shape"]).astype(dtype)
    return tensors


def erf_function(dtype):
    try:
        from scipy.special import erf

        return erf
    except ImportError:
        return fast_erf if dtype == np.float32 else np.vectorize(math.erf, otypes=[np.float64])


def fast_erf(x):
    """Abramowitz and Stegun 7.1.26, within 1.5e-7: as good as single precision has use for, in blocks that fit a cache."""
    out = np.empty_like(x)
    flat, target = x.reshape(-1), out.reshape(-1)
    for start in range(0, flat.size, 65536):
        part = flat[start : start + 65536]
        a = np.abs(part)
        t = 1 / (1 + np.float32(0.3275911) * a)
        sum = np.float32(1.061405429) * t
        for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            sum += np.float32(factor)
            sum *= t
        a *= a
        target[start : start + 65536] = np.copysign(1 - sum * np.exp(-a), part)
    return out


def layer_norm(x, weight, bias):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-12) * weight + bias


def evaluate(w, ids, lengths, erf):
    sentences, tokens = ids.shape
    dtype = w["embeddings.LayerNorm.weight"].dtype
    x = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.position_embeddings.weight"][:tokens]
        + w["embeddings.token_type_embeddings.weight"][0]
    )
    x = layer_norm(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
    real = np.arange(tokens)[None, :] < lengths[:, None]
    hidden = np.where(real, 0, -np.inf).astype(dtype)[:, None, None, :]
    for layer in range(LAYERS):

        def linear(x, name, at=f"encoder.layer.{layer}."):
            return x @ w[at + name + ".weight"].T + w[at + name + ".bias"]

        def heads(x):
            return x.reshape(sentences, tokens, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

        at = f"encoder.layer.{layer}."
        q, k, v = (heads(linear(x, f"attention.self.{part}")) for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / dtype.type(math.sqrt(WIDTH // HEADS)) + hidden
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        seen = (scores @ v).transpose(0, 2, 1, 3).reshape(sentences, tokens, WIDTH)
        seen = linear(seen, "attention.output.dense")
        norm = at + "attention.output.LayerNorm"
        x = layer_norm(x + seen, w[norm + ".weight"], w[norm + ".bias"])
        inner = linear(x, "intermediate.dense")
        inner = dtype.type(0.5) * inner * (1 + erf(inner * dtype.type(math.sqrt(0.5))).astype(dtype))
        norm = at + "output.LayerNorm"
        x = layer_norm(x + linear(inner, "output.dense"), w[norm + ".weight"], w[norm + ".bias"])
    pooled = (x * real[:, :, None]).sum(1) / lengths[:, None].astype(dtype)
    return pooled / np.linalg.norm(pooled, axis=-1, keepdims=True)


def integers(path):
    return np.fromfile(path, "<i4") if path.endswith(".raw") else np.load(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--ids", required=True)
    parser.add_argument("--lengths", required=True)
    parser.add_argument("-o", "--output")
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--times", type=int, default=0)
    options = parser.parse_args()
    weights = load(options.model, np.float32 if options.float32 else np.float64)
    lengths = integers(options.lengths).astype(np.int64)
    ids = integers(options.ids).reshape(len(lengths), -1)
    erf = erf_function(next(iter(weights.values())).dtype)
    embeddings = evaluate(weights, ids, lengths, erf)
    if options.output:
        np.save(options.output, embeddings)
    if options.times:
        walls, processors = [], []
        for _ in range(options.times):
            begin = time.perf_counter(), time.process_time()
            evaluate(weights, ids, lengths, erf)
            walls.append(time.perf_counter() - begin[0])
            processors.append(time.process_time() - begin[1])
        print(f"{statistics.median(walls):.4f} {statistics.median(processors):.4f}")


main()
