// What the interpreter refuses to give a meaning: out of bounds, uninitialised, races, dependent vector iterations.

import TensorIR
import Testing

@testable import KernelIR

@Suite struct KernelTrapTests {
    /// Runs a kernel over b0: input f32[8], b1: out f32[8], b2: temporary f32[8]; gives the trap under `order`.
    private func trap(_ phases: String, _ order: TaskOrder = .ascending) throws -> KernelTrap? {
        let kernel = try Kernel(parsing: "kernel(b0: f32[8], b1: out f32[8], b2: temp f32[8]) { \(phases) }")
        try kernel.verify()
        let zeros = TensorValue(TensorType(.f32, [8]), floats: [Double](repeating: 0, count: 8))
        var operands = [zeros, zeros, zeros]
        do {
            try kernel.execute(&operands, order: order)
            return nil
        } catch {
            #expect(operands == [zeros, zeros, zeros])
            return error
        }
    }

    @Test func accessOutOfBoundsNamesTheElement() throws {
        let read = try trap("phase tasks 8 { b1[v0] = b0[v0+1] }")
        #expect(read == KernelTrap(.outOfBounds(elements: 8), phase: 0, task: 7, slot: 0, index: 8, operands: 3))
        #expect(read?.sentence == "phase 0, task 7: b0[8] is outside its 8 elements")
        let write = try trap("phase tasks 8 { b1[v0-1] = 1.0 }")
        #expect(write?.sentence == "phase 0, task 0: b1[-1] is outside its 8 elements")
        let tile = try trap(
            "phase tasks 1 { contract 2x4 b1[0] stride 4 = a b0[0] row 7 step 1, b b0[0] stride 4, depth 2 }")
        #expect(tile?.sentence == "phase 0, task 0: b0[8] is outside its 8 elements")
    }

    @Test func uninitialisedScratchIsNotRead() throws {
        let found = try trap("phase tasks 2 { alloc s3: f32[4] when v0 == 0 { s3[2] = 1.0 } b1[v0] = s3[2] }")
        #expect(found?.sentence == "phase 0, task 1: s3[2] is read before it is written")
    }

    @Test func uninitialisedTemporariesAndOutputsAreNotRead() throws {
        let temporary = try trap("phase tasks 7 { b2[v0] = 1.0 } phase tasks 8 { b1[v0] = b2[v0] }")
        #expect(temporary?.sentence == "phase 1, task 7: b2[7] is read before it is written")
        let output = try trap(
            "phase tasks 1 { contract 1x4 b1[0] stride 4 += a b0[0] row 1 step 1, b b0[0] stride 4, depth 1 }")
        #expect(output?.sentence == "phase 0, task 0: b1[0] is read before it is written")
    }

    @Test func twoTasksWritingOneElementRaceInEveryOrder() throws {
        let body = "phase tasks 8 { b1[v0] = 1.0 when v0 == 5 { b1[2] = 1.0 } }"
        for order in [TaskOrder.ascending, .descending, .shuffled(seed: 4)] {
            let found = try trap(body, order)
            #expect(found?.slot == 1 && found?.index == 2)
            guard case .race(let other?)? = found?.kind else {
                Issue.record("no race but \(String(describing: found))")
                continue
            }
            #expect(Set([other, found?.task]) == [2, 5])
        }
        #expect(
            try trap(body)?.sentence
                == "phase 0, task 5: b1[2] is also touched by task 2, and one of them writes it")
    }

    @Test func aTaskThatReadsWhatAnotherWritesRacesInEveryOrder() throws {
        let fill = "phase tasks 8 { b1[v0] = 1.0 } "
        let body =
            fill + "phase tasks 2 { alloc s3: f32[1] when v0 == 0 { s3[0] = b1[3] } when v0 == 1 { b1[3] = 2.0 } }"
        for order in [TaskOrder.ascending, .descending] {
            let found = try trap(body, order)
            #expect(found?.kind == .race(otherTask: found?.task == 0 ? 1 : 0))
            #expect(found?.phase == 1 && found?.slot == 1 && found?.index == 3)
        }
        let several = try trap(
            fill + "phase tasks 3 { alloc s3: f32[1] s3[0] = b1[0] when v0 == 2 { b1[0] = 2.0 } }")
        #expect(several?.sentence == "phase 1, task 2: b1[0] is written, and several other tasks read it")
    }

    @Test func writingInDifferentPhasesIsNoRace() throws {
        #expect(try trap("phase tasks 8 { b1[v0] = 1.0 } phase tasks 8 { b1[7-v0] = b1[7-v0] + 1.0 }") == nil)
    }

    @Test func aVectorLoopMayNotCarryValues() throws {
        let forward = try trap(
            "phase tasks 1 { b1[0] = 0.0 for vector v1 in 1 ..< 8 { b1[v1] = b1[v1-1] + 1.0 } }")
        #expect(
            forward?.sentence
                == "phase 0, task 0: b1[1] is written by one iteration of the vector loop over v1 "
                + "and touched by another"
        )
        let backward = try trap(
            "phase tasks 1 { for v1 in 0 ..< 8 { b1[v1] = 0.0 } for vector v2 in 0 ..< 7 { b1[v2] = b1[v2+1] } }")
        #expect(backward?.kind == .vectorDependence(variable: 2))
        let shared = try trap(
            "phase tasks 1 { alloc s3: f32[1] for vector v1 in 0 ..< 8 { s3[0] = 1.0 b1[v1] = s3[0] } }")
        #expect(
            shared?.sentence
                == "phase 0, task 0: s3[0] is written by one iteration of the vector loop over v1 "
                + "and touched by another"
        )
    }

    @Test func independentVectorLoopsInSequenceAreRight() throws {
        #expect(
            try trap(
                """
                phase tasks 2 {
                  for v1 in 0 ..< 2 {
                    for vector v2 in 0 ..< 4 { b1[v0*4+v2] = b0[0] + b0[v2] }
                    for vector v3 in 0 ..< 4 { b1[v0*4+v3] = b1[v0*4+v3] + b0[0] }
                  }
                }
                """) == nil)
        #expect(
            try trap(
                "phase tasks 1 { for v1 in 0 ..< 8 { b1[v1] = 0.0 } for v2 in 1 ..< 8 { b1[v2] = b1[v2-1] } }") == nil)
    }

    @Test func everyElementOfAnOutputIsWritten() throws {
        #expect(
            try trap("phase tasks 7 { b1[v0] = 1.0 }")?.sentence
                == "phase 0: output element b1[7] is written by no task")
    }
}
