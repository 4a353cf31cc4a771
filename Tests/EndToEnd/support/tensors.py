"""Moves the tensors of a model between .npz files and raw bytes, in the order of the bundle's manifest.

  tensors.py pack MANIFEST in.npz inputs.bin
  tensors.py unpack MANIFEST outputs.bin out.npz
  tensors.py python BUNDLE NAME in.npz out.npz      runs the bundle's own Python binding
"""

import json
import sys

import numpy as np


def main(words):
    if words[0] == "pack":
        arrays = np.load(words[2])
        with open(words[3], "wb") as file:
            for tensor in sides(words[1])[0]:
                file.write(np.ascontiguousarray(arrays[tensor["name"]]).tobytes())
    elif words[0] == "unpack":
        raw = open(words[2], "rb").read()
        out, at = {}, 0
        for tensor in sides(words[1])[1]:
            kind = np.dtype({"f32": "f4", "f64": "f8", "i64": "i8", "i32": "i4", "bool": "?"}[tensor["dtype"]])
            count = int(np.prod(tensor["shape"]))
            out[tensor["name"]] = np.frombuffer(raw, kind, count, at).reshape(tensor["shape"])
            at += count * kind.itemsize
        np.savez(words[3], **out)
    else:
        sys.path.insert(0, words[1] + "/python")
        model = __import__(words[2]).Model()
        np.savez(words[4], **model.run(dict(np.load(words[3]))))


def sides(manifest):
    with open(manifest) as file:
        found = json.load(file)
    return found["inputs"], found["outputs"]


main(sys.argv[1:])
