#!/usr/bin/env python3
"""Compares the outputs of a model with a reference, by the project's rule of agreement.

In: two .npz files keyed by output name, the second one the reference. Per tensor and element:
|a - b| <= rtol * |b| + atol * max|b|; NaN and infinities stand in the same places; integers are equal.
Out: one line per tensor with its worst ratio (error / allowed; above 1 is too much). Exit code 0 when all agree.

  compare.py ours.npz reference.npz
"""

import argparse
import sys

import numpy


def compare(ours, reference, rtol, atol):
    """The worst ratio of error to allowed error, and why the tensors do not agree (None when they do)."""
    if ours.shape != reference.shape:
        return float("inf"), f"shape {list(ours.shape)}, expected {list(reference.shape)}"
    if ours.dtype != reference.dtype:
        return float("inf"), f"type {ours.dtype}, expected {reference.dtype}"
    if reference.size == 0:
        return 0.0, None
    if reference.dtype.kind != "f":
        different = int(numpy.count_nonzero(ours != reference))
        return (float("inf"), f"{different} of {reference.size} integers differ") if different else (0.0, None)
    a, b = ours.astype(numpy.float64), reference.astype(numpy.float64)
    if not numpy.array_equal(numpy.isnan(a), numpy.isnan(b)):
        return float("inf"), "NaN stands in other places"
    infinite = numpy.isinf(a) | numpy.isinf(b)
    if not numpy.array_equal(a[infinite], b[infinite]):
        return float("inf"), "infinities stand in other places"
    finite = numpy.isfinite(b)
    if not finite.any():
        return 0.0, None
    a, b = a[finite], b[finite]
    error = numpy.abs(a - b)
    allowed = rtol * numpy.abs(b) + atol * numpy.abs(b).max()
    allowed = numpy.maximum(allowed, numpy.finfo(numpy.float64).tiny)
    ratio = error / allowed
    worst = int(ratio.argmax())
    if ratio[worst] <= 1.0:
        return float(ratio[worst]), None
    return float(ratio[worst]), f"element {worst}: {a[worst]:.9g}, expected {b[worst]:.9g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("ours")
    parser.add_argument("reference")
    parser.add_argument("--rtol", type=float, default=1e-3)
    parser.add_argument("--atol", type=float, default=1e-4, help="as a share of the tensor's largest value")
    given = parser.parse_args()
    with numpy.load(given.ours) as ours, numpy.load(given.reference) as reference:
        agreed = True
        for name in reference.files:
            if name not in ours.files:
                print(f"{name}: missing")
                agreed = False
                continue
            ratio, problem = compare(ours[name], reference[name], given.rtol, given.atol)
            agreed = agreed and problem is None
            verdict = "agrees" if problem is None else "DIFFERS, " + problem
            print(f"{name} {list(reference[name].shape)}: worst ratio {ratio:.4f}, {verdict}")
        for name in ours.files:
            if name not in reference.files:
                print(f"{name}: not in the reference")
                agreed = False
    print("agreement" if agreed else "no agreement")
    sys.exit(0 if agreed else 1)


if __name__ == "__main__":
    main()
