// The Python binding, run where there is a Python with NumPy, and at least compiled where there is a Python.

import Basics
import Emit
import Testing

@testable import Export

private let hostile = "x\"'\\\n??/*/</script>\u{202e}é😀#{}%s@P@@TABLES@"

@Suite struct PythonBindingTests {
    @Test func itComputesByNameAndSaysWhatIsWrong() throws {
        guard let python = try Workbench.python() else { return }
        let built = try BuiltBundle(ExportSample.request(inputs: [hostile, "twice"], output: "y<&>"))
        try built.bench.write(Array(script.utf8), to: "use.py")
        try built.bench.expectSuccess([python.path, "-m", "py_compile", "b/python/small.py"])
        guard python.hasNumPy else { return }
        let ran = try built.bench.tool([python.path, "use.py"])
        #expect(ran.status == 0, "\(ran.output)")
        #expect(
            ran.output.split(separator: "\n") == [
                "33.0 True", "ValueError input 'twice' is missing; it is i32[]",
                "TypeError input 'twice' has dtype float32, not int32; convert it with astype",
                "ValueError input 'twice' has shape (2,), not ()",
                "ValueError there is no input 'z'; the inputs are X, 'twice'",
                "ValueError input 'twice' is given twice",
                "ModelError the run was cancelled", "33.0 True", "ValueError the model is closed",
                "ModelError nowhere/weights.bin: the weights file cannot be opened; check its path and permissions",
            ])
    }

    private let script = """
        import sys, os, shutil
        sys.path.insert(0, "b/python")
        import numpy as np
        import small
        from small import Model
        name = small.INPUTS[0][0]
        assert name == \(pythonStringLiteral(hostile)), name
        x, twice = np.ones((3, 16), np.float32), np.array(1, np.int32)
        model = Model()
        def show(result):
            ((key, y),) = result.items()
            print(y[15] - 3, key == "y<&>" and y.shape == (16,))
        def complain(call):
            try:
                print("no error", call())
            except Exception as error:
                print(type(error).__name__, str(error).replace(repr(name), "X"))
        # A transposed view is not contiguous; it is the same numbers.
        show(model.run({name: np.ones((16, 3), np.float32).T}, twice=twice))
        complain(lambda: model.run({name: x}))
        complain(lambda: model.run({name: x}, twice=np.float32(1)))
        complain(lambda: model.run({name: x}, twice=np.zeros(2, np.int32)))
        complain(lambda: model.run({name: x, "twice": twice}, z=x))
        complain(lambda: model.run({name: x, "twice": twice}, twice=twice))
        model.cancel()
        complain(lambda: model.run({name: x, "twice": twice}))
        show(Model("b").run({name: x, "twice": twice}))
        model.close()
        complain(lambda: model.run({name: x, "twice": twice}))
        os.makedirs("nowhere/lib")
        shutil.copy("b/lib/libsmall.so", "nowhere/lib")
        complain(lambda: Model("nowhere"))

        """
}
