#!/usr/bin/env python3
"""Runs the test cases that write_cases.py wrote, and holds the failures against the list of expected ones.

In: the folder of cases.  Out: failures that nobody expects and expected ones that pass, then the counts. Exit code 1
when there are any of these: the list may only shrink. A line of the list is a case and, after a colon, why it fails.
Out of scope, and named as skipped with a reason: strings, sequences and optional values as inputs or outputs,
ai.onnx.ml, training, decoding of images.

  check.py FOLDER [--jobs N]
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

import onnx

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "expected-failures.txt")
KINDS = ["node", "simple", "pytorch-operator", "pytorch-converted", "light"]


def out_of_scope(model):
    """Why a case is about something else than tensors of numbers; None when it is not."""
    for node in model.graph.node:
        if node.domain in ("ai.onnx.ml", "ai.onnx.preview.training"):
            return "the domain " + node.domain
        if node.op_type == "ImageDecoder":
            return "decoding of images"
    for value in list(model.graph.input) + list(model.graph.output):
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            return "a " + (kind or "typeless value").replace("_type", "")
        if value.type.tensor_type.elem_type == onnx.TensorProto.STRING:
            return "strings"
    return None


def run(batch):
    command = [os.environ.get("IRONWORKS", "ironworks"), "test", "--json", *batch]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(done.stdout)["cases"]
    except (ValueError, KeyError):
        sys.exit("check: `ironworks test` said " + (done.stderr.strip() or done.stdout.strip())[-500:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    cases, kinds, skipped = [], {}, {}
    for kind in KINDS:
        for name in sorted(os.listdir(os.path.join(given.folder, kind))):
            case = os.path.join(given.folder, kind, name)
            reason = out_of_scope(onnx.load(os.path.join(case, "model.onnx"), load_external_data=False))
            if reason:
                skipped[name] = reason
            else:
                cases.append(case)
            kinds[name] = kind
    size = max(1, min(40, len(cases) // max(1, given.jobs)))
    batches = [cases[n : n + size] for n in range(0, len(cases), size)]
    failed, passed = {}, []
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for results in pool.map(run, batches):
            for result in results:
                if result["outcome"] == "passed":
                    passed.append(result["name"])
                else:
                    failed[result["name"]] = result.get("reason", "")
    with open(EXPECTED) as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    expected = {line.split(":")[0].strip() for line in lines}
    news = sorted(set(failed) - expected)
    olds = sorted(expected - set(failed))
    for name in sorted(failed):
        print(f"{'FAILED' if name in news else 'failed, as expected'} {name}: {failed[name]}")
    for name in olds:
        print(f"expected to fail and does not: {name}; take it off {os.path.relpath(EXPECTED)}")
    reasons = {}
    for reason in skipped.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        print(f"skipped {count}: {reason}")
    for kind in KINDS:
        good = sum(kinds[name] == kind for name in passed)
        bad = sum(kinds[name] == kind for name in failed)
        print(f"{kind}: {good} of {good + bad} pass")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    sys.exit(bool(news or olds))


if __name__ == "__main__":
    main()
