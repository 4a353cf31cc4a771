#!/usr/bin/env python3
"""Writes the corpus of small models that the importer's fuzzer starts from.

One model per operator of the onnx package's node cases (the smallest one), the smallest expanded function bodies, one
model per operator set version, and models made here for what no node case has: functions, nested graphs, captures,
sequences, external data, symbolic dimensions, sparse tensors, sizes that the data decide. Models named found_* stay:
the importer once failed on them. Short integer inputs of a case become initialisers with
the case's values, because shapes, axes and indices must be known at import.

  make_corpus.py CASES FOLDER    CASES: what Tests/Conformance/write_cases.py wrote
"""

import argparse
import glob
import os
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "EndToEnd", "support"))
import extents  # noqa: E402

BYTES_MAX = 8 << 10
KNOWN_ELEMENTS_MAX = 16
EXPANDED = 24
FLOAT = TensorProto.FLOAT
INTEGERS = {TensorProto.INT64, TensorProto.INT32}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases")
    parser.add_argument("folder")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    for path in glob.glob(os.path.join(options.folder, "*.onnx")):
        if not os.path.basename(path).startswith("found_"):
            os.remove(path)
    chosen = selection(os.path.join(options.cases, "node"))
    chosen.update(made())
    chosen.update({"made_size_" + name: model for name, (model, _) in extents.MODELS.items()})
    total = 0
    for name, model in sorted(chosen.items()):
        data = model.SerializeToString(deterministic=True)
        assert len(data) < BYTES_MAX, (name, len(data))
        total += len(data)
        with open(os.path.join(options.folder, name + ".onnx"), "wb") as file:
            file.write(data)
    print(f"{len(chosen)} models, {total} bytes")


def selection(folder):
    """The smallest case per operator and per operator set version, and the smallest expanded bodies."""
    single, expanded, versions = {}, [], {}
    for case in sorted(os.listdir(folder)):
        # cases without elements say little about an operator
        model = None if "empty_set" in case else case_model(os.path.join(folder, case))
        if model is None:
            continue
        size, name = model.ByteSize(), case.removeprefix("test_")
        if "_expanded" in case:
            kinds = tuple(sorted({node.op_type for node in model.graph.node}))
            expanded.append((size, name, kinds, model))
            continue
        kind = (model.graph.node[0].domain, model.graph.node[0].op_type)
        keep_least(single, kind, size, name, model)
        keep_least(versions, model.opset_import[0].version, size, name, model)
    chosen = {name: model for _, name, model in list(single.values()) + list(versions.values())}
    seen = set()
    for _, name, kinds, model in sorted(expanded, key=lambda row: (-len(set(row[2])), row[0], row[1])):
        if kinds not in seen and len(seen) < EXPANDED:
            seen.add(kinds)
            chosen[name] = model
    return chosen


def keep_least(table, key, size, name, model):
    if key not in table or (size, name) < table[key][:2]:
        table[key] = (size, name, model)


def case_model(folder):
    """The case's model with its short integer inputs as initialisers; None when it is too large."""
    path = os.path.join(folder, "model.onnx")
    if not os.path.exists(path) or os.path.getsize(path) >= BYTES_MAX // 2:
        return None
    model = onnx.load(path)
    if not model.graph.node:
        return None
    for n, value in list(enumerate(model.graph.input)):
        data = os.path.join(folder, "test_data_set_0", f"input_{n}.pb")
        if value.type.tensor_type.elem_type not in INTEGERS or not os.path.exists(data):
            continue
        tensor = TensorProto()
        with open(data, "rb") as file:
            tensor.ParseFromString(file.read())
        if len(tensor.dims) <= 1 and numpy_helper.to_array(tensor).size <= KNOWN_ELEMENTS_MAX:
            tensor.name = value.name
            model.graph.initializer.append(tensor)
    return model


def tensor(name, values, kind):
    return numpy_helper.from_array(numpy.array(values, dtype=kind), name)


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes, inputs, outputs, constants=(), functions=(), version=18, domains=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    sets = [helper.make_opsetid("", version)] + [helper.make_opsetid(domain, 1) for domain in domains]
    return helper.make_model(graph, opset_imports=sets, functions=list(functions), ir_version=8)


def made():
    """Models for what no node case has."""
    node = helper.make_node
    return {
        "made_functions": made_functions(),
        "made_regions": made_regions(),
        "made_loop_in_loop": made_loop_in_loop(),
        "made_sequence": model_of(
            [
                node("SequenceConstruct", ["x", "y"], ["s"]),
                node("SequenceInsert", ["s", "x"], ["t"]),
                node("SequenceAt", ["t", "one"], ["u"]),
                node("ConcatFromSequence", ["t"], ["z"], axis=0),
            ],
            [value("x", [2, 3]), value("y", [2, 3])],
            [value("u", [2, 3]), value("z", [6, 3])],
            [tensor("one", 1, numpy.int64)],
        ),
        "made_shapes": model_of(
            [
                node("Shape", ["x"], ["s"]),
                node("Gather", ["s", "zero"], ["n"]),
                node("Unsqueeze", ["n", "zeros"], ["ns"]),
                node("Concat", ["ns", "rest"], ["target"], axis=0),
                node("Reshape", ["x", "target"], ["y"]),
                node("ConstantOfShape", ["target"], ["c"]),
                node("Range", ["zero", "n", "step"], ["r"]),
            ],
            [value("x", ["batch", None, 4])],
            [value("y", ["batch", None]), value("c", None), value("r", [None], TensorProto.INT64)],
            [
                tensor("zero", 0, numpy.int64),
                tensor("zeros", [0], numpy.int64),
                tensor("rest", [-1], numpy.int64),
                tensor("step", 1, numpy.int64),
            ],
        ),
        "made_quantised": model_of(
            [
                node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                node("ConvInteger", ["q", "w", "z"], ["i"]),
                node("Cast", ["i"], ["f"], to=FLOAT),
                node("DequantizeLinear", ["q", "s", "z"], ["d"]),
                node("DynamicQuantizeLinear", ["f"], ["dq", "ds", "dz"]),
            ],
            [value("x", [1, 2, 4, 4])],
            [value("f", None), value("d", None), value("dq", None, TensorProto.UINT8)],
            [
                tensor("s", 0.1, numpy.float32),
                tensor("z", 128, numpy.uint8),
                tensor("w", numpy.ones((3, 2, 2, 2)), numpy.uint8),
            ],
        ),
        "made_external": made_external(),
        "made_sparse": made_sparse(),
        "made_microsoft": model_of(
            [
                node("Gelu", ["x"], ["g"], domain="com.microsoft"),
                node("BiasGelu", ["g", "b"], ["h"], domain="com.microsoft"),
                node("SkipLayerNormalization", ["h", "x", "b"], ["y"], domain="com.microsoft", epsilon=1e-5),
            ],
            [value("x", [2, 3, 8])],
            [value("y", [2, 3, 8])],
            [tensor("b", numpy.ones(8), numpy.float32)],
            domains=["com.microsoft"],
        ),
        "made_initializer_inputs": model_of(
            [node("Gemm", ["x", "w", "b"], ["y"], transB=1), node("Relu", ["y"], ["unused"])],
            [value("x", ["n", 4]), value("w", [3, 4]), value("b", [3])],
            [value("y", ["n", 3])],
            [tensor("w", numpy.ones((3, 4)), numpy.float32), tensor("b", numpy.ones(3), numpy.float32)],
        ),
    }


def made_functions():
    node = helper.make_node
    scaled = node("LeakyRelu", ["a"], ["b"])
    attribute = scaled.attribute.add()
    attribute.name, attribute.ref_attr_name, attribute.type = "alpha", "slope", onnx.AttributeProto.FLOAT
    sets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    inner = helper.make_function("local", "Inner", ["a"], ["b"], [scaled], sets, ["slope"])
    outer = helper.make_function(
        "local",
        "Outer",
        ["a", "c"],
        ["e"],
        [node("Inner", ["a"], ["d"], domain="local", slope=0.3), node("Add", ["d", "c"], ["e"])],
        sets,
    )
    return model_of(
        [node("Outer", ["x", "y"], ["t"], domain="local"), node("Outer", ["t", "x"], ["z"], domain="local")],
        [value("x", [2, 3]), value("y", [2, 3])],
        [value("z", [2, 3])],
        functions=[inner, outer],
        domains=["local"],
    )


def made_regions():
    """If with captures, its name reused inside, under a condition that only a run can tell."""
    node = helper.make_node
    then = helper.make_graph([node("Add", ["x", "y"], ["r"])], "then", [], [value("r", [2, 3])])
    other = helper.make_graph(
        [node("Sub", ["x", "k"], ["t"]), node("Mul", ["t", "y"], ["r"])],
        "else",
        [],
        [value("r", [2, 3])],
        [tensor("k", 2, numpy.float32)],
    )
    return model_of(
        [
            node("ReduceMax", ["x"], ["m"], keepdims=0),
            node("Greater", ["m", "zero"], ["c"]),
            node("If", ["c"], ["z"], then_branch=then, else_branch=other),
        ],
        [value("x", [2, 3]), value("y", [2, 3])],
        [value("z", [2, 3])],
        [tensor("zero", 0, numpy.float32)],
    )


def made_loop_in_loop():
    node = helper.make_node
    state = [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("s", [2])]
    inner = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Add", ["s", "x"], ["t"]), node("Neg", ["t"], ["u"])],
        "inner",
        state,
        [value("on", [], TensorProto.BOOL), value("t", [2]), value("u", [2])],
    )
    outer = helper.make_graph(
        [
            node("Identity", ["go2"], ["on2"]),
            node("Loop", ["three", "", "s2"], ["t2", "u2"], body=inner),
            node("ReduceSum", ["u2", "first"], ["v2"], keepdims=0),
        ],
        "outer",
        [value("i2", [], TensorProto.INT64), value("go2", [], TensorProto.BOOL), value("s2", [2])],
        [value("on2", [], TensorProto.BOOL), value("t2", [2]), value("v2", [2])],
    )
    scanned = helper.make_graph(
        [node("Add", ["a", "b"], ["c"]), node("Identity", ["c"], ["d"])],
        "scanned",
        [value("a", [2]), value("b", [2])],
        [value("c", [2]), value("d", [2])],
    )
    return model_of(
        [
            node("Loop", ["three", "yes", "x"], ["y", "z"], body=outer),
            node("Scan", ["x", "z"], ["p", "q"], body=scanned, num_scan_inputs=1),
        ],
        [value("x", [2])],
        [value("y", [2]), value("q", [3, 2])],
        [
            tensor("three", 3, numpy.int64),
            tensor("yes", True, numpy.bool_),
            tensor("first", [0], numpy.int64),
        ],
    )


def made_external():
    """A weight in data.bin, which the fuzzer lays beside every case."""
    weight = tensor("w", numpy.zeros((4, 4)), numpy.float32)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, text in [("location", "data.bin"), ("offset", "16"), ("length", "64")]:
        entry = weight.external_data.add()
        entry.key, entry.value = key, text
    return model_of(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", [3, 4])], [value("y", [3, 4])], [weight]
    )


def made_sparse():
    model = model_of([helper.make_node("Add", ["x", "w"], ["y"])], [value("x", [4])], [value("y", [4])])
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            tensor("w", [1, 2], numpy.float32), tensor("i", [0, 3], numpy.int64), [4]
        )
    )
    return model


if __name__ == "__main__":
    main()
