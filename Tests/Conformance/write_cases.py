#!/usr/bin/env python3
"""Writes the test cases of the installed `onnx` package as folders: model.onnx beside test_data_set_N.

The package's own tool does the writing; it is handed the node cases as well, which it would otherwise leave out, and
the model cases that the package holds as files are copied. One folder per kind: node, simple, pytorch-operator,
pytorch-converted, light.

  write_cases.py FOLDER
"""

import argparse
import os
import shutil
import warnings


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    folder = parser.parse_args().folder
    warnings.filterwarnings("ignore")
    import onnx
    import onnx.backend.test.cmd_tools as tool
    from onnx.backend.test.case import node

    stamp = os.path.join(folder, "version")
    if os.path.exists(stamp) and open(stamp).read() == onnx.__version__:
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
    for kind in ["pytorch-operator", "pytorch-converted", "simple", "light"]:
        shutil.copytree(os.path.join(data, kind), os.path.join(folder, kind), dirs_exist_ok=True)
    with open(stamp, "w") as file:
        file.write(onnx.__version__)
    print(f"wrote the test cases of onnx {onnx.__version__}")


if __name__ == "__main__":
    main()
