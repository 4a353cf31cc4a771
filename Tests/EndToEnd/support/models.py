"""Writes the small ONNX models of the end-to-end tests into a folder: sound ones and one per kind of damage."""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def perceptron(sizes, rows=4, input_shape=None, seed=3):
    """Matrix product, bias and relu per layer."""
    random = np.random.default_rng(seed)
    nodes, constants, value = [], [], "x"
    for i, (depth, width) in enumerate(zip(sizes, sizes[1:])):
        weights = random.standard_normal((depth, width), dtype=np.float32) / 8
        bias = random.standard_normal(width, dtype=np.float32)
        constants += [numpy_helper.from_array(weights, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"g{i}"], name=f"gemm{i}"))
        nodes.append(helper.make_node("Relu", [f"g{i}"], [f"r{i}"], name=f"relu{i}"))
        value = f"r{i}"
    return model(nodes, constants, input_shape or [rows, sizes[0]], value, [None, sizes[-1]])


def model(nodes, constants, input_shape, output, output_shape, input_type=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", input_type, input_shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, output_shape)], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made


def main(folder):
    onnx.save(perceptron([32, 48, 16]), f"{folder}/mlp.onnx")
    # one operator: no cover but one, so the times decide nothing about what is measured
    weights = numpy_helper.from_array(np.random.default_rng(5).standard_normal((64, 96), dtype=np.float32), "w")
    product = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
    onnx.save(model(product, [weights], [24, 64], "y", [24, 96]), f"{folder}/product.onnx")
    onnx.save(perceptron([64, 192, 160, 96, 48], rows=24), f"{folder}/layers.onnx")
    onnx.save(perceptron([32, 48, 16], input_shape=["batch", 32]), f"{folder}/symbolic.onnx")
    whole = perceptron([32, 48, 16]).SerializeToString()
    with open(f"{folder}/truncated.onnx", "wb") as file:
        file.write(whole[: len(whole) // 2])
    with open(f"{folder}/text.onnx", "w") as file:
        file.write("this is a letter, not a model\n")
    cycle = [helper.make_node("Add", ["x", "b"], ["a"], name="first"),
             helper.make_node("Relu", ["a"], ["b"], name="second")]
    onnx.save(model(cycle, [], [4, 4], "b", [4, 4]), f"{folder}/cyclic.onnx")
    mixed = [helper.make_node("Add", ["x", "one"], ["y"], name="sum")]
    one = numpy_helper.from_array(np.ones((4, 4), dtype=np.int64), "one")
    onnx.save(model(mixed, [one], [4, 4], "y", [4, 4]), f"{folder}/types.onnx")
    onnx.save(perceptron([32, 48, 16]), f"{folder}/external.onnx", save_as_external_data=True,
              location="external.bin", size_threshold=0)


main(sys.argv[1])
