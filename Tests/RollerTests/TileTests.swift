// Tiles against numbers worked out by hand: register need, padding, reuse, footprints, growth.

import DeviceModel
import Schedules
import TensorIR
import Testing

@testable import Roller

@Suite struct TileTests {
    private func tile(
        _ rows: Int, _ vectors: Int, of extents: (Int, Int), width: Int = 1, registers: Int = 32, waste: Double = 0
    ) -> RegisterTile {
        RegisterTile(
            rows: rows, vectors: vectors,
            problem: .init(rows: extents.0, columns: extents.1, width: width, registers: registers, waste: waste))
    }

    @Test func registersAreAccumulatorsOneRowOfBAndABroadcast() {
        #expect(tile(6, 4, of: (100, 1000), width: 16).registersNeeded == 29)
        #expect(tile(1, 1, of: (1, 1)).registersNeeded == 3)
        #expect(tile(7, 4, of: (100, 1000), width: 16).rejection == .registers(needed: 33, available: 32))
        #expect(tile(6, 4, of: (100, 1000), width: 16).rejection == nil)
    }

    @Test func paddingWasteIsBoundedByTheRung() {
        // 83 in tiles of 8 needs 88: too much for 0, within a tenth
        #expect(tile(1, 1, of: (4, 83), width: 8).padding == .padding(extent: 83, tile: 8, wastePercent: 6))
        #expect(tile(1, 1, of: (4, 83), width: 8, waste: 0.1).padding == nil)
        #expect(tile(1, 1, of: (4, 80), width: 8).padding == nil)
        #expect(tile(1, 3, of: (4, 10), width: 4, waste: 0.19).padding != nil)
        #expect(tile(1, 3, of: (4, 10), width: 4, waste: 0.2).padding == nil)
    }

    @Test func largerTilesReuseMore() {
        // per depth step C = A·B reads 2mn elements with 1x1 tiles, 1.25mn with 1x4, 0.5mn with 4x4
        let (m, n) = (64, 32)
        let elements = Double(4 * m * n)
        #expect(tile(1, 1, of: (m, n)).traffic == 2 * elements)
        #expect(tile(1, 4, of: (m, n)).traffic == 1.25 * elements)
        #expect(tile(4, 4, of: (m, n)).traffic == 0.5 * elements)
    }

    @Test func aRegisterTileGrowsOneStepAtATimeAndSaysWhyItStops() {
        let next = tile(5, 1, of: (5, 40), width: 8, registers: 12).enlarged()
        // rows are exhausted and say nothing; two vectors of five rows need 13 registers
        #expect(next.count == 1)
        guard case .rejected(let reason) = next[0] else {
            Issue.record("five rows of two vectors do not fit twelve registers")
            return
        }
        #expect(reason == .registers(needed: 13, available: 12))
        #expect(reason.sentence == "needs 13 vector registers, the device has 12")
    }

    private func cacheTile(
        rows: Int, columns: Int, depth: Int, rowTiles: Int, columnSteps: Int, chunk: Int, packs: Bool = false,
        usable: Int = 1 << 20
    ) -> CacheTile {
        CacheTile(
            rowTiles: rowTiles, columnSteps: columnSteps, depth: chunk,
            problem: .init(
                rows: rows, columns: columns, depth: depth,
                root: Root(algorithm: .direct, microRows: 4, microColumns: 16), columnStep: 16, packsA: packs,
                packsB: packs, usableBytes: usable))
    }

    @Test func cacheTilesCountWhatATaskTouches() {
        let tile = cacheTile(rows: 32, columns: 64, depth: 100, rowTiles: 2, columnSteps: 2, chunk: 50)
        #expect((tile.taskRows, tile.taskColumns) == (8, 32))
        #expect(tile.footprint == Double(4 * (8 * 50 + 32 * 50 + 8 * 32)))
        // A once per column task (2), B once per row task (4), C written twice and read once over two chunks
        #expect(tile.traffic == Double(4 * (32 * 100 * 2 + 64 * 100 * 4 + 32 * 64 * 3)))
        let packed = cacheTile(rows: 32, columns: 64, depth: 100, rowTiles: 2, columnSteps: 2, chunk: 50, packs: true)
        #expect(packed.footprint == Double(4 * (8 * 100 + 32 * 100 + 8 * 32)))
    }

    @Test func lastColumnsArePaddedToWholePanels() {
        let tile = cacheTile(rows: 4, columns: 40, depth: 10, rowTiles: 1, columnSteps: 3, chunk: 10)
        #expect(tile.taskColumns == 40)
        #expect(tile.footprint == Double(4 * (4 * 10 + 48 * 10 + 4 * 48)))
    }

    @Test func growthStopsAtTheUsableBytesAndCountsThem() {
        var reasons: [Rejection] = []
        let problem = CacheTile.Problem(
            rows: 1000, columns: 1000, depth: 1000, root: Root(algorithm: .direct, microRows: 4, microColumns: 16),
            columnStep: 16, packsA: false, packsB: false, usableBytes: 64 << 10)
        let tiles = CacheTile.saturated(problem) { reasons.append($0) }
        #expect(!tiles.isEmpty && tiles.count <= cacheTilesPerRootMax)
        #expect(tiles.allSatisfy { $0.footprint <= Double(64 << 10) })
        // saturated: nothing that still saves traffic fits
        for tile in tiles {
            for step in tile.enlarged() {
                guard case .fits(let larger) = step else { continue }
                #expect(larger.traffic >= tile.traffic)
            }
        }
        #expect(!reasons.isEmpty)
        for reason in reasons {
            guard case .capacity(let level, let needed, let usable) = reason else {
                Issue.record("\(reason)")
                continue
            }
            #expect(level == "L2" && needed > usable && usable == 64 << 10)
        }
    }

    /// One axis that saves traffic per byte four times as well as the other.
    private struct Toy: GrowingTile {
        var a: Int
        var b: Int
        var footprint: Double { Double(a + b) }
        var traffic: Double { 1000 - Double(8 * a + 2 * b) }
        func enlarged() -> [Feasible<Toy>] {
            let full = Rejection.capacity(level: "toy", neededBytes: a + b + 1, usableBytes: 6)
            if a + b >= 6 { return [.rejected(full)] }
            var out: [Feasible<Toy>] = [.fits(Toy(a: a, b: b + 1))]
            if a < 4 { out.append(.fits(Toy(a: a + 1, b: b))) }
            return out
        }
    }

    @Test func theBestScoredAxisGrowsFirst() {
        var rejections = 0
        let tiles = grow(from: Toy(a: 1, b: 1), limit: 3) { _ in rejections += 1 }
        #expect(tiles.first == Toy(a: 4, b: 2))
        #expect(tiles.count == 3 && Set(tiles).count == 3)
        #expect(tiles.allSatisfy { $0.a + $0.b == 6 })
        #expect(rejections >= 3)
    }
}
