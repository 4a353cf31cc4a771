// What a person reads first in a bundle: README.md, and an example program that runs the model once.

import Emit
import TensorIR

func readmeText(_ request: BundleRequest) -> String {
    let name = request.name
    func table(_ tensors: [ModelDescription.Tensor]) -> String {
        var out = "| | name | dtype | shape |\n|---|---|---|---|\n"
        for (index, tensor) in tensors.enumerated() {
            let shape = tensor.type.shape.map(String.init).joined(separator: " x ")
            out += "| \(index) | \(markdownText(tensor.name)) | \(tensor.type.dtype.rawValue) | \(shape) |\n"
        }
        return out
    }
    let count = request.lanes
    let threads = BuildPlan.threadFlags(lanes: count).map { " " + $0 }.joined()
    let lanes =
        count == 1
        ? ""
        : """
         A run uses \(count) threads, each on a processor of its own: the caller's
        and \(count - 1) that a model starts when it is created and ends when it is destroyed. They take the first
        \(count) processors that the thread which creates the model may use, and sleep between runs.
        """
    return """
        # \(name)

        \(markdownText(request.model.name)) as a library. It needs the C library and nothing else; instruction set:
        \(request.isa.name).\(lanes)

        ## Inputs

        \(table(request.model.inputs))
        ## Outputs

        \(table(request.model.outputs))
        \(extents(request.model))Tensors are row-major. Pointers that are multiples of 64 are used in place,
        others are copied.

        ## Use it

        | from | how |
        |---|---|
        | C, C++ | `include/\(name).h`, `lib/lib\(name).so` or `.a`, `weights.bin` at run time; `examples/main.c` |
        | Python | `python/\(name).py` with NumPy: `from \(name) import Model; Model().run({...})` |

        ```sh
        cc -Iinclude examples/main.c lib/lib\(name).a -lm\(threads) -o example && ./example weights.bin
        ```

        `bin/\(name)_selftest` runs the vectors in `vectors.bin` and says PASS or FAIL.

        ## Build it again

        `./build.sh` or `make` builds libraries and self-test from `src/` with any compiler that takes the flags of
        gcc (`CC=clang ./build.sh`). \(compilers(request))`make check` runs the self-test.
        The library checks that `weights.bin` belongs to
        it and that the processor has what it was compiled for, and says so if not. `manifest.json` lists every file
        with its SHA-256 and says what it was made from.

        """
}

/// Which outputs say how much of another output counts.
private func extents(_ model: ModelDescription) -> String {
    let lines = model.extents.map { extent in
        "- \(markdownText(model.outputs[extent.count].name)): how many elements along axis \(extent.axis) of "
            + "\(markdownText(model.outputs[extent.result].name)) count; what lies behind them is anything."
    }
    return lines.isEmpty ? "" : "The data decide how long some outputs are:\n\n\(lines.joined(separator: "\n"))\n\n"
}

/// Which compilers built the libraries that are here, when they are several.
private func compilers(_ request: BundleRequest) -> String {
    let families = request.kernels.compactMap { $0.compiler?.family }
    let names = Set(families).sorted()
    guard names.count > 1 else { return "" }
    let counts = names.map { name in "\(families.count { $0 == name }) by \(name)" }.joined(separator: ", ")
    return """
        The libraries here hold each kernel as the compiler
        made it that was measured to be faster (\(counts); `manifest.json` says which): a rebuild with one
        compiler computes the same and may be slower.

        """
}

func exampleText(_ request: BundleRequest) -> String {
    exampleTemplate.replacing("@P@", with: request.name)
}

private let exampleTemplate = #"""
    // Runs the model once on inputs of zeros and shows the size of each output: example PATH/weights.bin
    #include "@P@.h"

    #include <stdio.h>
    #include <stdlib.h>

    // Memory on a line of 64 bytes, which the library uses in place.
    static void *tensorMemory(const @P@_tensor *tensor) {
      const size_t bytes = (tensor->bytes + 63) / 64 * 64;
      unsigned char *memory = aligned_alloc(64, bytes);
      for (size_t i = 0; memory && i < bytes; i++) memory[i] = 0;
      return memory;
    }

    int main(int argc, char **argv) {
      @P@ *model = NULL;
      int status = @P@_create(argc > 1 ? argv[1] : "weights.bin", &model);
      if (status != @P@_ok) {
        fprintf(stderr, "%s\n", @P@_error(status));
        return 1;
      }
      const int inputCount = @P@_input_count(), outputCount = @P@_output_count();
      const void **inputs = calloc((size_t)inputCount + 1, sizeof *inputs);
      void **outputs = calloc((size_t)outputCount + 1, sizeof *outputs);
      if (!inputs || !outputs) return 1;
      for (int i = 0; i < inputCount; i++) inputs[i] = tensorMemory(@P@_input(i));
      for (int i = 0; i < outputCount; i++) outputs[i] = tensorMemory(@P@_output(i));

      status = @P@_run(model, inputs, outputs);
      if (status != @P@_ok) fprintf(stderr, "%s\n", @P@_error(status));
      for (int i = 0; i < outputCount && status == @P@_ok; i++) {
        printf("output %d: %zu bytes of %s\n", i, @P@_output(i)->bytes, @P@_output(i)->dtype);
      }

      for (int i = 0; i < inputCount; i++) free((void *)inputs[i]);
      for (int i = 0; i < outputCount; i++) free(outputs[i]);
      free(inputs);
      free(outputs);
      @P@_destroy(model);
      return status == @P@_ok ? 0 : 1;
    }

    """#
