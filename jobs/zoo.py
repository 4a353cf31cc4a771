#!/usr/bin/env python3
"""Runs every model of some folders and holds its outputs against ONNX Runtime, by the project's rule of agreement.

In: folders of .onnx files. Beside a model NAME.onnx a NAME.json may say its inputs' sizes and the end of an integer
input's range: {"inputs": {"ids": {"shape": [1, 128], "hi": 30000}}}; without it the model's own sizes hold.
Out: a line per model with the worst ratio of error to allowed error and the seconds that import, build and run took;
then the counts. Exit code 1 when a model does not agree. Models named light_* have constant weights, which overflow:
only shapes and types are compared there.

  zoo.py FOLDER... [--only PATTERN] [--timeout SECONDS]
"""

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy

from compare import compare

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = "11"


def sizes(path):
    """Flags for the reference, and bindings, from the JSON file beside the model."""
    note = os.path.splitext(path)[0] + ".json"
    if not os.path.exists(note):
        return [], []
    with open(note) as file:
        inputs = json.load(file).get("inputs", {})
    reference, bindings = [], []
    for name, known in inputs.items():
        if known.get("shape"):
            text = f"{name}=" + "x".join(map(str, known["shape"]))
            reference += ["--shape", text]
            bindings += ["--bind", text]
        if known.get("hi"):
            reference += ["--range", f"{name}={known.get('lo', 0)}:{known['hi']}"]
    return reference, bindings


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def verdict(path, folder, timeout):
    """The worst ratio (None where values do not count), the seconds of our run, and why the model does not agree."""
    inputs, ours, theirs = (os.path.join(folder, name + ".npz") for name in ("in", "ours", "theirs"))
    reference, bindings = sizes(path)
    command = [sys.executable, os.path.join(HERE, "onnxruntime_reference.py"), path, "--make-inputs", SEED]
    command += reference + ["--inputs", inputs, "--outputs", theirs]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        return None, 0.0, "reference: " + last_line(made.stderr)
    started = time.time()
    command = [os.environ.get("IRONWORKS", "ironworks"), "run", path, *bindings, "--quiet"]
    try:
        ran = subprocess.run(
            command + ["--inputs", inputs, "--outputs", ours], capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return None, time.time() - started, f"it did not end in {timeout} s"
    seconds = time.time() - started
    if ran.returncode:
        return None, seconds, last_line(ran.stderr)
    with numpy.load(ours) as mine, numpy.load(theirs) as other:
        if set(mine.files) != set(other.files):
            return None, seconds, f"outputs {mine.files}, expected {other.files}"
        if os.path.basename(path).startswith("light_"):
            for name in other.files:
                a, b = mine[name], other[name]
                if (a.shape, a.dtype) != (b.shape, b.dtype):
                    return None, seconds, f"{name}: {a.dtype}{a.shape}, expected {b.dtype}{b.shape}"
            return None, seconds, None
        worst = 0.0
        for name in other.files:
            ratio, reason = compare(mine[name], other[name], 1e-3, 1e-4)
            worst = max(worst, ratio)
            if reason:
                return worst, seconds, f"{name}: {reason}"
        return worst, seconds, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="+")
    parser.add_argument("--only", default="*", help="names of models, with * and ?")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for a model (default 900)")
    given = parser.parse_args()
    paths = [
        os.path.join(folder, name)
        for folder in given.folder
        for name in sorted(os.listdir(folder))
        if name.endswith(".onnx") and fnmatch.fnmatch(name[:-5], given.only) and not name.startswith("_")
    ]
    if not paths:
        sys.exit("zoo: there is no model; make some with jobs/export_models.py, or name a folder of .onnx files")
    width = max(len(os.path.basename(path)) for path in paths) - 5
    print(f"{'model':{width}}  worst error  seconds")
    agreed = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            worst, seconds, reason = verdict(path, folder, given.timeout)
            agreed += reason is None
            shown = "-" if worst is None else f"{worst:.4f}"
            text = "agrees" if reason is None else reason[:300]
            print(f"{os.path.basename(path)[:-5]:{width}}  {shown:>11}  {seconds:7.1f}  {text}", flush=True)
    print(f"{agreed} agree, {len(paths) - agreed} do not")
    sys.exit(agreed != len(paths))


if __name__ == "__main__":
    main()
