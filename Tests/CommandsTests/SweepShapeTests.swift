// Shapes by name: what they parse to, what they refuse, and that the workload behind a name computes the layer that the
// name means.

import Schedules
import TensorIR
import Testing

@testable import Commands

@Test func shapesPrintWhatTheyParse() throws {
    for text in ["gemm:128x3072x768", "gemm:1x1x1", "conv:64,56,128,3,2", "conv:3,224,64,7,2", "conv:8,9,16,3,1,0"] {
        #expect(try KernelShape(parsing: text).text == text)
    }
    // stride 1 and padding of half the kernel go without saying
    #expect(try KernelShape(parsing: "conv:64,56,64,3").text == "conv:64,56,64,3,1")
    #expect(try KernelShape(parsing: "conv:64,56,64,3,1,1").text == "conv:64,56,64,3,1")
}

@Test func whatIsNoShapeIsRefusedWithItsReason() {
    func error(_ text: String) -> KernelShapeError? {
        do {
            _ = try KernelShape(parsing: text)
            return nil
        } catch {
            return error
        }
    }
    for text in [
        "", "gemm", "gemm:", "gemm:4x5", "gemm:4x5x6x7", "gemm:4x-5x6", "conv:4,5,6", "conv:4,5,6,,1", "dot:4",
    ] {
        #expect(error(text) == .unknown(text))
    }
    #expect(error("gemm:0x4x4") == .extents("gemm:0x4x4"))
    #expect(error("conv:4,70000,4,1") == .extents("conv:4,70000,4,1"))
    #expect(error("conv:4,8,4,3,0") == .window("conv:4,8,4,3,0"))
    #expect(error("conv:4,8,4,3,1,3") == .window("conv:4,8,4,3,1,3"))
    #expect(error("conv:4,2,4,7,1,1") == .window("conv:4,2,4,7,1,1"))
    #expect(error("gemm:60000x60000x60000") == .tooLarge("gemm:60000x60000x60000"))
    #expect(error("dot:4")?.sentence.contains("conv:C,H,O,K[,S[,P]]") == true)
}

@Test func multiplyAddsCountTwo() throws {
    #expect(try KernelShape(parsing: "gemm:3x5x7").flops == 210)
    // 28 x 28 results of 128 channels from 3 x 3 windows of 128
    #expect(try KernelShape(parsing: "conv:128,56,128,3,2").flops == 2 * 28 * 28 * 128 * 128 * 9)
    #expect(try KernelShape(parsing: "conv:3,224,64,7,2").flops == 2 * 112 * 112 * 64 * 3 * 49)
}

@Test func productsAreRowMajorWithBiasAndRectifier() throws {
    let problem = try KernelShape(parsing: "gemm:20x48x24").kernelProblem()
    #expect(problem.interface.isRowMajor)
    let expected = canonicalise(
        try Workload(
            parsing: """
                workload(X: f32[20,24], W: const f32[24,48], b: const f32[48]) {
                  C: f32[m:20,n:48] = sum(k:24) X[m,k] * W[k,n]
                  D: f32[m:20,n:48] = C[m,n] + b[n]
                  E: f32[m:20,n:48] = max(D[m,n], 0.0)
                } -> E
                """)
    ).workload
    #expect(problem.workload == expected)
}

@Test func convolutionsReadBlocksWithTheirPaddingAsHalo() throws {
    func layouts(_ text: String) throws -> [String] {
        let problem = try KernelShape(parsing: text).kernelProblem()
        return problem.interface.entries.map(\.layout.text)
    }
    #expect(
        try layouts("conv:64,56,128,3,2")
            == ["[c:64/16,y:56,x:56,c%16] halo y:1 x:1", "[c:128/16,y:1,x:784,c%16]"])
    #expect(
        try layouts("conv:3,224,64,7,2") == ["[c:3,y:224,x:224] halo y:3 x:3", "[c:64/16,y:1,x:12544,c%16]"])
    // no blocks of 16: all channels of a position side by side
    #expect(try layouts("conv:24,8,40,1") == ["[y:1,x:64,c:24]", "[y:1,x:64,c:40]"])
}

/// A convolution with bias and rectifier, spelled out.
private func convolved(_ c: KernelShape.Convolution, _ x: [Double], _ w: [Double], _ b: [Double]) -> [Double] {
    var out: [Double] = []
    for o in 0..<c.outputs {
        for y in 0..<c.outputSize {
            for position in 0..<c.outputSize {
                var sum = b[o]
                for channel in 0..<c.channels {
                    for r in 0..<c.kernel {
                        for s in 0..<c.kernel {
                            let (line, column) = (y * c.stride + r - c.padding, position * c.stride + s - c.padding)
                            guard (0..<c.size).contains(line), (0..<c.size).contains(column) else { continue }
                            sum +=
                                x[(channel * c.size + line) * c.size + column]
                                * w[((o * c.channels + channel) * c.kernel + r) * c.kernel + s]
                        }
                    }
                }
                out.append(max(sum, 0))
            }
        }
    }
    return out
}

@Test(arguments: ["conv:3,7,4,3,2", "conv:2,6,3,3,1", "conv:4,5,2,1,2", "conv:3,8,2,5,1,0", "conv:1,9,2,4,3"])
func convolutionsComputeWhatTheirNameSays(text: String) throws {
    guard case .convolution(let c) = try KernelShape(parsing: text) else {
        Issue.record("\(text) names a convolution")
        return
    }
    func values(_ count: Int, _ step: Int) -> [Double] { (0..<count).map { Double($0 * step % 11 - 5) } }
    let x = values(c.channels * c.size * c.size, 7)
    let w = values(c.outputs * c.channels * c.kernel * c.kernel, 5)
    let b = values(c.outputs, 3)
    let workload = c.workload
    let parameters = zip(workload.parameters, [x, w, b]).map { TensorValue($0.type, floats: $1) }
    let found = interpret(workload, parameters: parameters)[0]
    #expect(found.elements == .floats(convolved(c, x, w, b)))
}

@Test func everyDefaultShapeIsTiled() throws {
    #expect(KernelsCommand.defaultShapes.count == 29 && SweepCommand.defaultShapes.count == 6)
    for text in KernelsCommand.defaultShapes + SweepCommand.defaultShapes {
        let problem = try KernelShape(parsing: text).kernelProblem()
        guard case .success(.contraction) = problem.workload.structure(problem.interface) else {
            Issue.record("\(text) is no contraction under its interface")
            continue
        }
    }
    // sweeps are judged on shapes that nothing was tuned for
    #expect(Set(SweepCommand.defaultShapes).isDisjoint(with: KernelsCommand.defaultShapes))
}
