// The order of prepared constants and the balanced split of rows, against values written out by hand.

import DeviceModel
import KernelIR
import Schedules
import TensorIR
import Testing

@testable import Lowering

@Suite struct PreparedTests {
    private func product(rows: Int, columns: Int, depth: Int, constants: String = "B") throws -> Workload {
        try Workload(
            parsing: """
                workload(A: \(constants == "A" ? "const " : "")f32[\(rows),\(depth)], \
                B: \(constants == "B" ? "const " : "")f32[\(depth),\(columns)]) {
                  C: f32[m:\(rows),n:\(columns)] = sum(k:\(depth)) A[m,k] * B[k,n]
                } -> C
                """)
    }

    private func schedule(_ w: Workload, _ nest: ContractionNest, _ prepare: Prepare) -> Schedule {
        Schedule(
            isa: .plain, interface: .rowMajor(w), algorithm: .direct, prepares: [prepare], connects: [],
            nest: .contraction(nest))
    }

    private func prepared(_ w: Workload, _ schedule: Schedule, _ slot: Int) -> [Float] {
        let values = (0..<w.parameters[slot].type.elements).map { Float($0 + 1) }
        return values.withUnsafeBufferPointer {
            prepareConstant(w, schedule, schedule.prepares[0], values: $0)
        }
    }

    @Test func rowsSplitIntoBalancedTiles() throws {
        // 128 rows in tiles of about six: 18 of six rows and 4 of five
        let w = try product(rows: 128, columns: 64, depth: 4)
        guard case .success(.contraction(let c)) = w.structure() else {
            Issue.record("a matrix product is a contraction")
            return
        }
        let g = ContractionGeometry(w, c, microRows: 6, microColumns: 64)
        #expect((g.tiles, g.height, g.tallTiles) == (22, 5, 18))
        #expect((0..<g.tiles).map(g.rows(ofTile:)).reduce(0, +) == 128)
        var next = 0
        for tile in 0..<g.tiles {
            #expect(g.rowsBefore(tile: tile) == next)
            next += g.rows(ofTile: tile)
        }
    }

    @Test func columnPanelsAreDepthMajorAndPaddedWithZeros() throws {
        let w = try product(rows: 2, columns: 5, depth: 2)
        let nest = ContractionNest(
            microRows: 2, microColumns: 4, taskRowTiles: 1, taskColumns: 4, depth: 2, a: .direct, b: .prepared)
        let out = prepared(w, schedule(w, nest, Prepare(slot: 1, form: .columnPanels(width: 4))), 1)
        #expect(out == [1, 2, 3, 4, 6, 7, 8, 9, 5, 0, 0, 0, 10, 0, 0, 0])
    }

    @Test func rowPanelsHoldEachTileDepthMajor() throws {
        // five rows in tiles of three and two
        let w = try product(rows: 5, columns: 4, depth: 2, constants: "A")
        let nest = ContractionNest(
            microRows: 3, microColumns: 4, taskRowTiles: 1, taskColumns: 4, depth: 2, a: .prepared, b: .direct)
        let out = prepared(w, schedule(w, nest, Prepare(slot: 0, form: .rowPanels(height: 3))), 0)
        #expect(out == [1, 3, 5, 2, 4, 6, 7, 9, 8, 10])
    }

    @Test func aConstantReadTwiceStaysAsItIs() throws {
        let w = canonicalise(
            try Workload(
                parsing: """
                    workload(A: f32[8,8], B: const f32[8,8]) {
                      C: f32[m:8,n:8] = sum(k:8) A[m,k] * B[k,n]
                      D: f32[m:8,n:8] = C[m,n] + B[0,n]
                    } -> D
                    """)
        ).workload
        let constant = try #require(w.parameters.firstIndex { $0.isConstant })
        for device in testDevices {
            for schedule in schedulesOf(w, device) {
                #expect(schedule.prepares.isEmpty)
                #expect(lower(w, schedule).buffers[constant].elements == 64)
            }
        }
    }
}
