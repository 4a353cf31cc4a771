// Running and timing whole programs in the measuring child, and the outside view: ONNX Runtime on the same inputs when
// a Python with it is at hand.

import Basics
import DeviceModel
import Emit
import Glibc
import Pipeline
import ProgramIR
import Runtime
import TensorIR

/// Seeded inputs of a model by type: floats uniform in [-1, 1), integers in 0 ..< 2, row-major bytes.
func seededInputs(_ description: [TensorType], seed: UInt64) -> [[UInt8]] {
    description.enumerated().map { n, type in
        var random = SeededRandom(seed: seed &+ UInt64(n) &* 7919)
        if type.dtype.isFloat {
            return TensorValue(type, floats: (0..<type.elements).map { _ in random.unit() * 2 - 1 }).bytes
        }
        return TensorValue(type, integers: (0..<type.elements).map { _ in Int64(random.below(2)) }).bytes
    }
}

struct ProgramBench {
    let measurer: ChildMeasurer
    let gate = Gate()

    init() throws {
        let weights = cacheFolder() + "/weights"
        try Folder.make(weights)
        measurer = ChildMeasurer(.init(readableFolders: [try objectFolder(), weights]))
    }

    private func request(_ program: BuiltProgram, _ inputs: [[UInt8]], samples: Int, sampleNsMin: Int) -> ProgramRequest
    {
        var settings = MeasureSettings()
        settings.samples = samples
        settings.sampleNsMin = sampleNsMin
        settings.timeoutMs = 120_000
        return ProgramRequest(
            program: program.assembly.program.digest, libraryPath: program.library, prefix: program.prefix,
            weightsPath: program.weights,
            inputs: inputs.map { bytes in Operand(.input, bytes: bytes.count, contents: .bytes(bytes)) },
            outputBytes: program.description.outputs.map(\.type.bytes), predictedNs: program.assembly.cover.ns,
            settings: settings)
    }

    /// The outputs' bytes for these inputs.
    func run(_ program: BuiltProgram, _ inputs: [[UInt8]]) throws -> [[UInt8]] {
        switch measurer.executeProgram(request(program, inputs, samples: 1, sampleNsMin: 1_000_000)) {
        case .outputs(let outputs): return outputs
        case .failed(let failure):
            throw CommandError.programFailed(model: program.description.name, reason: failure.sentence)
        }
    }

    /// Times the program on a quiet machine: `samples` samples of at least `sampleNs`.
    func time(_ program: BuiltProgram, _ inputs: [[UInt8]], samples: Int = 9, sampleNs: Int = 30_000_000) throws
        -> Reading
    {
        let outcome = gate.withQuietBurst { _ in
            measurer.measureProgram(request(program, inputs, samples: samples, sampleNsMin: sampleNs))
        }
        switch outcome {
        case .reading(let reading): return reading
        case .failed(let failure):
            throw CommandError.programFailed(model: program.description.name, reason: failure.sentence)
        }
    }
}

/// ONNX Runtime through the Python in the cache, if it is there.
enum OnnxRuntimePeer {
    static var python: String? {
        let path = cacheFolder() + "/venv/bin/python"
        return access(path, X_OK) == 0 ? path : nil
    }

    private static let script = """
        import sys, time, numpy as np, onnxruntime as ort
        path, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
        kinds = {'tensor(float)': np.float32, 'tensor(double)': np.float64, 'tensor(bool)': np.bool_,
                 'tensor(int64)': np.int64, 'tensor(int32)': np.int32}
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = ort.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        shapes = dict(word.split('=') for word in sys.argv[4:])
        feed = {}
        random = np.random.default_rng(0)
        for i in session.get_inputs():
            shape = [int(n) for n in shapes[i.name].split('x') if n]
            kind = kinds[i.type]
            drawn = random.random(shape, dtype=np.float32).astype(kind)
            feed[i.name] = drawn if kind in (np.float32, np.float64) else np.ones(shape, kind)
        for _ in range(3): session.run(None, feed)
        best, start = 1e30, time.perf_counter()
        while time.perf_counter() - start < seconds:
            t = time.perf_counter(); session.run(None, feed); best = min(best, time.perf_counter() - t)
        print(best * 1e3)
        """

    /// Least latency in milliseconds; `nil` when it cannot be had.
    static func latencyMs(_ model: LoadedModel, threads: Int, seconds: Double) -> Double? {
        guard let python else { return nil }
        let shapes = zip(model.graph.inputNames, model.graph.body.parameters).map { name, value in
            name + "=" + model.graph.type(value).shape.map(String.init).joined(separator: "x")
        }
        let path = Folder.absolute(model.path)
        let arguments = ["-c", script, path, String(threads), String(seconds)] + shapes
        let result = try? runTool(
            python, arguments, environment: ["PATH=" + searchPath(), "LC_ALL=C", "OMP_NUM_THREADS=\(threads)"],
            wallMs: Int(seconds * 1000) + 60_000)
        guard let result, result.succeeded else { return nil }
        return result.output.split(separator: "\n").last.flatMap { Double($0) }
    }
}
