#!/usr/bin/env python3
"""Writes the test cases of the installed `onnx` package as folders: model.onnx beside test_data_set_N.

The package's own tool does the writing; it is handed the node cases as well, which it would otherwise leave out, and
the model cases that the package holds as files are copied. The light models come with outputs for the input that the
package's runner makes, n numbers rising from 0 to 1. One folder per kind: node, simple, pytorch-operator,
pytorch-converted, light.

  write_cases.py FOLDER
"""

import argparse
import glob
import os
import shutil
import warnings

# Changes with what this script writes.
FORMAT = "2"


def write_light(source, folder):
    """Cases of the light models: the model, its input, and the outputs that lie beside it."""
    import numpy
    import onnx

    for path in sorted(glob.glob(os.path.join(source, "light_*.onnx"))):
        name = os.path.basename(path)[len("light_") : -len(".onnx")]
        data = os.path.join(folder, "test_" + name, "test_data_set_0")
        os.makedirs(data)
        shutil.copy(path, os.path.join(folder, "test_" + name, "model.onnx"))
        graph = onnx.load(path).graph
        known = {tensor.name for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in known]
        for n, value in enumerate(inputs):
            shape = [max(size.dim_value, 1) for size in value.type.tensor_type.shape.dim]
            count = numpy.prod(shape)
            tensor = (numpy.arange(count).reshape(shape) / count).astype(numpy.float32)
            with open(os.path.join(data, f"input_{n}.pb"), "wb") as file:
                file.write(onnx.numpy_helper.from_array(tensor).SerializeToString())
        for n in range(len(graph.output)):
            shutil.copy(path[: -len(".onnx")] + f"_output_{n}.pb", os.path.join(data, f"output_{n}.pb"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    folder = parser.parse_args().folder
    warnings.filterwarnings("ignore")
    import onnx
    import onnx.backend.test.cmd_tools as tool
    from onnx.backend.test.case import node

    stamp = os.path.join(folder, "version")
    version = f"{onnx.__version__} {FORMAT}"
    if os.path.exists(stamp) and open(stamp).read() == version:
        print(f"the test cases of onnx {onnx.__version__} are there")
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    models = tool.model_test.collect_testcases

    def all_cases():
        return node.collect_testcases(None) + [case for case in models() if case.kind != "real"]

    tool.model_test.collect_testcases = all_cases
    tool.generate_data(argparse.Namespace(output=folder))
    data = os.path.join(os.path.dirname(tool.__file__), "data")
    for kind in ["pytorch-operator", "pytorch-converted", "simple"]:
        shutil.copytree(os.path.join(data, kind), os.path.join(folder, kind), dirs_exist_ok=True)
    write_light(os.path.join(data, "light"), os.path.join(folder, "light"))
    with open(stamp, "w") as file:
        file.write(version)
    print(f"wrote the test cases of onnx {onnx.__version__}")


if __name__ == "__main__":
    main()
