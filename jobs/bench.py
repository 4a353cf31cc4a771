#!/usr/bin/env python3
"""Times models with `ironworks bench` and with ONNX Runtime beside it, alternating, and prints the ratio.

In: the executable and models with their bindings. In each round both engines measure every model once, so a machine
that slows down slows both. Out: one line per model; the ratio is the median over rounds of ours / theirs, each the
least latency of its round. Above 1 means slower than ONNX Runtime.

  bench.py --ironworks .build/release/ironworks model.onnx x=1x3x48x192 other.onnx batch=1 sequence=128
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def fail(sentence):
    print("bench: " + sentence, file=sys.stderr)
    sys.exit(1)


def answer(command):
    """The JSON object on the last line of a command's standard output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"exit code {done.returncode} from: " + " ".join(command))
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        fail("no JSON on the last line of: " + " ".join(command))


def models(words):
    """[MODEL, BINDING…] lists: a word with a = binds a size of the model before it."""
    groups = []
    for word in words:
        if "=" not in word:
            groups.append([word])
        elif groups:
            groups[-1].append(word)
        else:
            fail(f"{word} stands before the first model")
    return groups


def bind(bindings):
    return [word for binding in bindings for word in ("--bind", binding)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--ironworks", required=True, help="the executable")
    parser.add_argument("--catalog", help="catalog file (default: the executable's own)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="per engine and round")
    parser.add_argument("--json", action="store_true", help="one JSON object per model instead of a table")
    parser.add_argument("words", nargs="+", metavar="MODEL [NAME=SIZE …]")
    given = parser.parse_args()
    listed = models(given.words)
    common = ["--threads", str(given.threads), "--seconds", str(given.seconds)]
    catalog = ["--catalog", given.catalog] if given.catalog else []
    rounds = {model[0]: [] for model in listed}
    for _ in range(given.rounds):
        for model, *bindings in listed:
            ours = answer([given.ironworks, "bench", model, *bind(bindings), *common, *catalog, "--json"])
            theirs = answer(
                [sys.executable, os.path.join(HERE, "onnxruntime_reference.py"), model, *bind(bindings), *common]
                + ["--make-inputs", "7"]
            )
            rounds[model].append((ours["min_ms"], theirs["min_ms"]))
    if not given.json:
        print(f"{'model':24} {'ironworks ms':>13} {'ONNX Runtime ms':>16} {'ratio':>7}   threads {given.threads}")
    for model, times in rounds.items():
        ours, theirs = min(t[0] for t in times), min(t[1] for t in times)
        ratio = statistics.median(a / b for a, b in times)
        name = os.path.basename(model).removesuffix(".onnx")
        if given.json:
            line = {"schema": "ironworks.comparison/1", "model": name, "threads": given.threads}
            line |= {"rounds": given.rounds, "min_ms": ours, "peer_min_ms": theirs, "peer": "onnxruntime"}
            print(json.dumps(line | {"ratio": ratio}))
        else:
            print(f"{name:24} {ours:13.3f} {theirs:16.3f} {ratio:7.2f}")


if __name__ == "__main__":
    main()
