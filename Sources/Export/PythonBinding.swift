// The Python binding of a bundle: one file over ctypes and NumPy. It finds library and weights from its own place,
// takes and gives arrays by the model's names, and checks them before C sees them. Names stand in it as escaped
// literals; identifiers come from the export name.

import Emit
import TensorIR

func pythonText(_ request: BundleRequest) -> String {
    func table(_ tensors: [ModelDescription.Tensor]) -> String {
        let rows = tensors.map { tensor in
            let shape = tensor.type.shape.map { "\($0), " }.joined()
            return "    (\(pythonStringLiteral(tensor.name)), \"\(tensor.type.dtype.rawValue)\", (\(shape))),\n"
        }
        return rows.isEmpty ? "()" : "(\n" + rows.joined() + ")"
    }
    let parts = pythonTemplate.replacing("@P@", with: request.name).split(separator: "@TABLES@\n")
    precondition(parts.count == 2, "the template has one place for the tables")
    return parts[0] + "INPUTS = \(table(request.model.inputs))\nOUTPUTS = \(table(request.model.outputs))\n" + parts[1]
}

private let pythonTemplate = #"""
    """One model as a Python class; needs NumPy.

        from @P@ import Model
        outputs = Model().run({"name of an input": array, ...})

    A Model is for one thread at a time; make one per thread. bf16 arrays hold their bits as uint16, floats of 8 and 4
    bits theirs as uint8; integers of 4 and 2 bits are int8 or uint8.
    """

    import ctypes
    import os

    import numpy as np

    # Name, dtype and shape of every tensor, in the order of the C interface.
    @TABLES@
    DTYPES = {
        "f16": np.float16, "bf16": np.uint16, "f32": np.float32, "f64": np.float64, "bool": np.bool_,
        "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
        "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
        "f8e4m3fn": np.uint8, "f8e4m3fnuz": np.uint8, "f8e5m2": np.uint8, "f8e5m2fnuz": np.uint8,
        "f8e8m0": np.uint8, "f4e2m1": np.uint8, "int4": np.int8, "uint4": np.uint8, "int2": np.int8, "uint2": np.uint8,
    }

    _LINE = 64
    _FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


    class ModelError(RuntimeError):
        """The library gave back a status; the message is its sentence."""


    def _load(path):
        library = ctypes.CDLL(path)
        pointers = ctypes.POINTER(ctypes.c_void_p)
        library.@P@_create.argtypes = [ctypes.c_char_p, pointers]
        library.@P@_run.argtypes = [ctypes.c_void_p, pointers, pointers]
        library.@P@_cancel.argtypes = library.@P@_destroy.argtypes = [ctypes.c_void_p]
        library.@P@_cancel.restype = library.@P@_destroy.restype = None
        library.@P@_error.argtypes = [ctypes.c_int]
        library.@P@_error.restype = ctypes.c_char_p
        return library


    def _aligned(shape, dtype):
        """An array that the library can use in place."""
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        block = np.empty(size + _LINE, np.uint8)
        start = -block.ctypes.data % _LINE
        return block[start : start + size].view(dtype).reshape(shape)


    class Model:
        """The model with its weights loaded. `folder` is that of the bundle, if this file no longer lies in it."""

        def __init__(self, folder=None):
            self._handle = None
            folder = _FOLDER if folder is None else os.fspath(folder)
            self._library = _load(os.path.join(folder, "lib", "lib@P@.so"))
            handle = ctypes.c_void_p()
            weights = os.path.join(folder, "weights.bin")
            self._check(self._library.@P@_create(os.fsencode(weights), ctypes.byref(handle)), weights + ": ")
            self._handle = handle

        def run(self, inputs=None, /, **named):
            """Computes all outputs: a dict from name to array. Inputs are given by name, in a dict or as keywords."""
            if self._handle is None:
                raise ValueError("the model is closed")
            given = dict(inputs or {})
            for name, value in named.items():
                if name in given:
                    raise ValueError(f"input {name!r} is given twice")
                given[name] = value
            arrays = [self._input(given, *tensor) for tensor in INPUTS]
            if given:
                expected = ", ".join(repr(name) for name, _, _ in INPUTS)
                raise ValueError(f"there is no input {next(iter(given))!r}; the inputs are {expected}")
            results = [_aligned(shape, DTYPES[dtype]) for _, dtype, shape in OUTPUTS]
            self._check(self._library.@P@_run(self._handle, _pointers(arrays), _pointers(results)))
            return {name: result for (name, _, _), result in zip(OUTPUTS, results)}

        def cancel(self):
            """Ends the run in progress on another thread: it raises ModelError."""
            if self._handle is not None:
                self._library.@P@_cancel(self._handle)

        def close(self):
            """Frees the model's memory."""
            if self._handle is not None:
                self._library.@P@_destroy(self._handle)
                self._handle = None

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.close()

        def __del__(self):
            self.close()

        def _check(self, status, where=""):
            if status != 0:
                raise ModelError(where + self._library.@P@_error(status).decode())

        @staticmethod
        def _input(given, name, dtype, shape):
            if name not in given:
                raise ValueError(f"input {name!r} is missing; it is {dtype}{list(shape)}")
            array, expected = np.asarray(given.pop(name)), np.dtype(DTYPES[dtype])
            if array.dtype != expected:
                raise TypeError(f"input {name!r} has dtype {array.dtype}, not {expected}; convert it with astype")
            if array.shape != shape:
                raise ValueError(f"input {name!r} has shape {array.shape}, not {shape}")
            return np.ascontiguousarray(array)


    def _pointers(arrays):
        return (ctypes.c_void_p * (len(arrays) + 1))(*[array.ctypes.data for array in arrays])

    """#
