"""Models whose data decide how long a tensor is, and what ONNX Runtime makes of them.

In: a folder. Out: NAME.onnx, NAME.in.npz and NAME.ref.npz for every model, and the names on standard output.
"""

import sys

import numpy
from onnx import TensorProto, checker, helper, numpy_helper, save

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
OPSET = 18
random = numpy.random.default_rng(5)


def some(*shape):
    """Numbers of which about a third are 0, and several are equal."""
    return (random.integers(-3, 4, shape) * (random.random(shape) < 0.75)).astype(numpy.float32)


def model(inputs, outputs, nodes, constants=None):
    """`inputs` are arrays by name, `outputs` (name, type, rank), `nodes` (operator, inputs, outputs, attributes)."""
    types = {"float32": FLOAT, "int64": INT, "bool": BOOL}
    made = [
        helper.make_node(operator, taken.split(), given.split(), **(rest[0] if rest else {}))
        for operator, taken, given, *rest in nodes
    ]
    graph = helper.make_graph(
        made,
        "extents",
        [helper.make_tensor_value_info(name, types[str(x.dtype)], x.shape) for name, x in inputs.items()],
        [helper.make_tensor_value_info(name, kind, [None] * rank) for name, kind, rank in outputs],
        [numpy_helper.from_array(numpy.asarray(x), name) for name, x in (constants or {}).items()],
    )
    out = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    checker.check_model(out)
    return out, inputs


def ints(*values):
    return numpy.array(values, numpy.int64)


def boxes(count):
    corner = random.random((1, count, 2)) * 0.8
    return numpy.concatenate([corner, corner + 0.05 + 0.15 * random.random((1, count, 2))], 2).astype(numpy.float32)


MODELS = {
    "nonzero": model({"x": some(5, 7)}, [("y", INT, 2)], [("NonZero", "x", "y")]),
    "none_at_all": model({"x": some(4, 3) * 0}, [("y", INT, 2)], [("NonZero", "x", "y")]),
    "gathered": model(
        {"x": some(6, 5), "w": some(6, 5, 3)},
        [("picked", FLOAT, 2), ("sum", FLOAT, 1), ("best", FLOAT, 1)],
        [
            ("NonZero", "x", "at"),
            ("Transpose", "at", "tuples", {"perm": [1, 0]}),
            ("GatherND", "w tuples", "picked"),
            ("ReduceSum", "picked first", "sum", {"keepdims": 0}),
            ("ReduceMax", "picked first", "best", {"keepdims": 0}),
        ],
        {"first": ints(0)},
    ),
    "assigned": model(
        {"x": some(9, 11), "v": some(9, 11)},
        [("y", FLOAT, 2)],
        [
            ("Greater", "x zero", "mask"),
            ("NonZero", "mask", "at"),
            ("Transpose", "at", "tuples", {"perm": [1, 0]}),
            ("GatherND", "v tuples", "values"),
            ("ScatterND", "x tuples values", "y"),
        ],
        {"zero": numpy.float32(0)},
    ),
    "compressed_product": model(
        {"a": some(8, 12), "b": some(12, 6), "c": random.random(12) < 0.5},
        [("y", FLOAT, 2), ("soft", FLOAT, 2), ("shape", INT, 1), ("size", INT, 0)],
        [
            ("Compress", "a c", "left", {"axis": 1}),
            ("Compress", "b c", "right", {"axis": 0}),
            ("MatMul", "left right", "y"),
            ("Softmax", "left", "soft", {"axis": 1}),
            ("Shape", "left", "shape"),
            ("Size", "right", "size"),
        ],
    ),
    "joined": model(
        {"a": some(5, 4), "b": some(3, 4)},
        [("y", INT, 2), ("tail", INT, 2), ("flat", INT, 1)],
        [
            ("NonZero", "a", "p"),
            ("NonZero", "b", "q"),
            ("Concat", "p k q", "y", {"axis": 1}),
            ("Slice", "y two many one", "tail"),
            ("Transpose", "y", "t"),
            ("Reshape", "t minus", "flat"),
        ],
        {
            "k": ints(7, 8, 9, 10).reshape(2, 2),
            "two": ints(2),
            "many": ints(2**62),
            "one": ints(1),
            "minus": ints(-1),
        },
    ),
    "top_of_many": model(
        {"x": some(3, 1000), "m": random.random(40) < 0.5},
        [("values", FLOAT, 2), ("at", INT, 2), ("all", FLOAT, 2)],
        [
            ("Cast", "m", "counted", {"to": INT}),
            ("ReduceSum", "counted", "k", {"keepdims": 1}),
            ("TopK", "x k", "values at"),
            ("TopK", "x hundred", "all places", {"largest": 0}),
        ],
        {"hundred": ints(100)},
    ),
    "unique": model(
        {"x": some(40)},
        [(n, FLOAT if n[0] == "y" else INT, 1) for n in "y f i c yu fu iu cu".split()],
        [("Unique", "x", "y f i c"), ("Unique", "x", "yu fu iu cu", {"sorted": 0})],
    ),
    "unique_rows": model(
        {"x": numpy.repeat(some(6, 2), 2, 0)},
        [("y", FLOAT, 2), ("f", INT, 1), ("i", INT, 1), ("c", INT, 1)],
        [("Unique", "x", "y f i c", {"axis": 0})],
    ),
    "detection": model(
        {"b": boxes(60), "s": random.random((1, 3, 60)).astype(numpy.float32)},
        [("selected", INT, 2), ("found", FLOAT, 2), ("scores", FLOAT, 1), ("classes", INT, 1)],
        [
            ("NonMaxSuppression", "b s most overlap least", "selected"),
            ("Gather", "selected two", "which", {"axis": 1}),
            ("Gather", "selected one", "classes", {"axis": 1}),
            ("Squeeze", "b zero", "flat"),
            ("Gather", "flat which", "found"),
            ("GatherND", "s selected", "scores"),
        ],
        {
            "most": ints(10),
            "overlap": numpy.float32(0.3),
            "least": numpy.float32(0.4),
            "one": numpy.int64(1),
            "two": numpy.int64(2),
            "zero": ints(0),
        },
    ),
    "regions": model(
        {"x": some(1, 2, 12, 12), "b": boxes(9) * 12, "s": random.random((1, 1, 9)).astype(numpy.float32)},
        [("y", FLOAT, 4)],
        [
            ("NonMaxSuppression", "b s most", "selected"),
            ("Gather", "selected two", "which", {"axis": 1}),
            ("Gather", "selected zero", "image", {"axis": 1}),
            ("Squeeze", "b first", "flat"),
            ("Gather", "flat which", "rois"),
            ("RoiAlign", "x rois image", "y", {"output_height": 3, "output_width": 3, "sampling_ratio": 2}),
        ],
        {"most": ints(9), "two": numpy.int64(2), "zero": numpy.int64(0), "first": ints(0)},
    ),
    "heads": model(
        {"x": some(1, 2, 12, 12), "b": boxes(9) * 12, "s": random.random((1, 1, 9)).astype(numpy.float32)},
        [("classes", FLOAT, 2), ("best", INT, 1), ("mean", FLOAT, 1), ("sums", FLOAT, 2)],
        [
            ("NonMaxSuppression", "b s most", "selected"),
            ("Gather", "selected two", "which", {"axis": 1}),
            ("Gather", "selected zero", "image", {"axis": 1}),
            ("Squeeze", "b first", "flat"),
            ("Gather", "flat which", "rois"),
            ("RoiAlign", "x rois image", "crops", {"output_height": 5, "output_width": 5, "sampling_ratio": 2}),
            ("Conv", "crops w", "maps", {"pads": [1, 1, 1, 1]}),
            ("Relu", "maps", "kept"),
            ("MaxPool", "kept", "pooled", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            ("Flatten", "pooled", "rows"),
            ("Gemm", "rows g", "scores"),
            ("Softmax", "scores", "classes"),
            ("ArgMax", "classes", "best", {"axis": 1, "keepdims": 0}),
            ("ReduceMean", "scores first", "mean", {"keepdims": 0}),
            ("CumSum", "scores zero", "sums"),
        ],
        {
            "most": ints(9),
            "two": numpy.int64(2),
            "zero": numpy.int64(0),
            "first": ints(0),
            "w": some(4, 2, 3, 3),
            "g": some(16, 5),
        },
    ),
    "scattered": model(
        {
            "x": some(4, 300),
            "i": numpy.stack([random.permutation(300)[:90] for _ in range(3)]).astype(numpy.int64) - 100,
            "u": some(3, 90),
        },
        [("y", FLOAT, 2)],
        [("ScatterElements", "x i u", "y", {"axis": 1})],
    ),
}


def main():
    import onnxruntime

    folder = sys.argv[1]
    for name, (made, inputs) in MODELS.items():
        save(made, f"{folder}/{name}.onnx")
        session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        numpy.savez(f"{folder}/{name}.in.npz", **inputs)
        numpy.savez(f"{folder}/{name}.ref.npz", **dict(zip(names, session.run(names, inputs))))
        print(name)


if __name__ == "__main__":
    main()
