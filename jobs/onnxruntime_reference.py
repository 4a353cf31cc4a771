#!/usr/bin/env python3
"""Runs a model with ONNX Runtime, as the reference that `run` and `bench` are compared with.

In: a model, sizes for its symbolic dimensions, and inputs (a file, or a seed to draw them from).
Out: inputs and outputs as .npz, keyed by name, and one JSON object on stdout with the least and the median latency.
Runs in the environment that `jobs/fetch --with-onnxruntime` makes.

  onnxruntime_reference.py model.onnx --shape x=1x3x48x192 --make-inputs 7 --inputs in.npz --outputs out.npz
  onnxruntime_reference.py model.onnx --dim batch=1 --dim sequence=128 --range input_ids=0:1000 --make-inputs 7
"""

import argparse
import json
import os
import statistics
import sys
import time

NUMPY_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


def fail(sentence):
    print("onnxruntime_reference: " + sentence, file=sys.stderr)
    sys.exit(1)


def pair(text):
    name, mark, value = text.rpartition("=")
    if not mark or not name or not value:
        raise argparse.ArgumentTypeError("expected NAME=VALUE, got " + text)
    return name, value


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model")
    parser.add_argument("--shape", type=pair, action="append", default=[], help="whole shape of an input: x=1x3x48x192")
    parser.add_argument("--dim", type=pair, action="append", default=[], help="size of a named dimension: batch=1")
    parser.add_argument("--bind", type=pair, action="append", default=[], help="either of the two, as in a job file")
    parser.add_argument("--inputs", help=".npz: read, or written with --make-inputs")
    parser.add_argument("--outputs", help=".npz to write the outputs to")
    parser.add_argument("--make-inputs", type=int, metavar="SEED", help="draw the inputs from this seed")
    parser.add_argument("--range", type=pair, action="append", default=[], help="integers of an input: ids=0:1000")
    parser.add_argument("--seconds", type=float, default=0.0, help="measure for so long (default: run once)")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def bound_shape(value, shapes, dims):
    """The shape of an input with every dimension bound, or a sentence that names what is not."""
    declared = list(value.shape)
    if value.name in shapes:
        shape = shapes[value.name]
        if len(shape) != len(declared):
            fail(f"input {value.name} has {len(declared)} dimensions, --shape gives {len(shape)}")
        return shape
    shape = []
    for at, dimension in enumerate(declared):
        if isinstance(dimension, int) and dimension > 0:
            shape.append(dimension)
        elif dimension in dims:
            shape.append(dims[dimension])
        else:
            fail(f"dimension {at} ({dimension}) of input {value.name} is not bound; use --dim or --shape")
    return shape


def draw(random, value, shape, ranges):
    """Uniform values: floats in [-1, 1), integers in the input's range (0:2 unless told), booleans by coin."""
    kind = NUMPY_TYPES.get(value.type)
    if kind is None:
        fail(f"input {value.name} is a {value.type}; only plain tensors of numbers can be drawn")
    if kind == "bool":
        return random.integers(0, 2, shape).astype(kind)
    if kind.startswith("float"):
        return random.uniform(-1.0, 1.0, shape).astype(kind)
    low, high = ranges.get(value.name, (0, 2))
    return random.integers(low, high, shape).astype(kind)


def make_session(model, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def make_inputs(session, given, numpy):
    shapes, dims = {}, {}
    names = {value.name for value in session.get_inputs()}
    for name, text in given.shape:
        shapes[name] = [int(extent) for extent in text.split("x")]
    for name, text in given.dim:
        dims[name] = int(text)
    for name, text in given.bind:
        if name in names:
            shapes[name] = [int(extent) for extent in text.split("x")]
        else:
            dims[name] = int(text)
    ranges = {name: tuple(int(end) for end in text.split(":")) for name, text in given.range}
    random = numpy.random.default_rng(given.make_inputs)
    return {v.name: draw(random, v, bound_shape(v, shapes, dims), ranges) for v in session.get_inputs()}


def measure(session, feed, seconds):
    """Latencies in seconds: a tenth of the time warms up, the rest counts, at least five runs."""
    end = time.perf_counter() + seconds * 0.1
    while time.perf_counter() < end:
        session.run(None, feed)
    samples = []
    end = time.perf_counter() + seconds * 0.9
    while len(samples) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        samples.append(time.perf_counter() - start)
    return samples


def main():
    given = arguments()
    try:
        import numpy
        import onnxruntime
    except ImportError as problem:
        fail(f"{problem.name} is not installed; run jobs/fetch --with-onnxruntime and use its Python")
    if not os.path.isfile(given.model):
        fail(f"there is no model at {given.model}")
    session = make_session(given.model, given.threads)
    if given.make_inputs is not None:
        feed = make_inputs(session, given, numpy)
        if given.inputs:
            numpy.savez(given.inputs, **feed)
    elif given.inputs:
        with numpy.load(given.inputs) as archive:
            feed = {value.name: archive[value.name] for value in session.get_inputs()}
    else:
        fail("give --inputs FILE.npz or --make-inputs SEED")
    outputs = session.run(None, feed)
    if given.outputs:
        numpy.savez(given.outputs, **{v.name: y for v, y in zip(session.get_outputs(), outputs)})
    result = {
        "schema": "ironworks.reference/1",
        "engine": "onnxruntime " + onnxruntime.__version__,
        "model": given.model,
        "threads": given.threads,
    }
    if given.seconds > 0:
        samples = measure(session, feed, given.seconds)
        result["runs"] = len(samples)
        result["min_ms"] = min(samples) * 1e3
        result["median_ms"] = statistics.median(samples) * 1e3
    print(json.dumps(result))


if __name__ == "__main__":
    main()
