// Layouts: their texts, the bytes they describe, and what a walk through them is.

import Basics
import TensorIR
import Testing

@testable import Schedules

@Suite struct LayoutTests {
    private let blocked = Layout.maps(MapLayout(channels: 6, height: 2, width: 3, block: 2, haloY: 1, haloX: 2))

    @Test func textsParseBack() throws {
        let layouts: [(Layout, String)] = [
            (.row, "row"), (blocked, "[c:6/2,y:2,x:3,c%2] halo y:1 x:2"),
            (.maps(MapLayout(channels: 6, height: 2, width: 3, block: 6)), "[y:1,x:6,c:6]"),
            (
                .maps(MapLayout(images: 4, channels: 3, height: 2, width: 3, block: 1, haloY: 0, haloX: 1)),
                "[n:4,c:3,y:2,x:3] halo y:0 x:1"
            ),
        ]
        for (layout, text) in layouts {
            #expect(layout.text == text)
            let interface = Interface(entries: [.init(slot: 3, layout: layout)])
            #expect(try Interface(parsing: interface.text) == interface)
        }
    }

    @Test(arguments: [
        ("t0 [c:6/4,y:2,x:3,c%4]", "blocks of 4 do not divide 6 channels"),
        ("t0 [c:6/2,y:2,x:3,c%3]", "a layout has one size of block, here 2"),
        ("t0 [c:0,y:2,x:3]", "the channels must be at least 1"),
        ("t0 [y:99999999,x:99999999,c:8]", "a layout too large for any tensor"),
    ])
    func wrongTextsSayWhy(text: String, message: String) {
        do {
            _ = try Interface(parsing: text)
            Issue.record("parsed")
        } catch {
            #expect(error.message == message)
        }
    }

    @Test func bytesGoThereAndBackAndTheHaloIsZero() {
        let type = TensorType(.f32, [6, 6])
        let bytes = (0..<type.bytes).map { UInt8($0 % 251 + 1) }
        let arranged = blocked.arranged(bytes, type)
        // 3 blocks of (2 + 2) x (3 + 4) positions of 2 channels
        #expect(arranged.count == 3 * 4 * 7 * 2 * 4)
        let back = blocked.collected(arranged, type)
        #expect(back.bytes == bytes && back.haloIsZero)
        var dirty = arranged
        dirty[0] = 1
        #expect(!blocked.collected(dirty, type).haloIsZero)
        // channel 3 at line 1, position 2: block 1, second lane
        let at = (1 * 4 * 7 + 2 * 7 + 4) * 2 + 1
        #expect(Array(arranged[at * 4..<at * 4 + 4]) == Array(bytes[(3 * 6 + 5) * 4..<(3 * 6 + 5) * 4 + 4]))
    }

    @Test func aPaddedReadWalksIntoAHaloThatIsWideEnough() throws {
        let text = """
            workload(t0: f32[8,5,5]) {
              t1: f32[i0:8,i1:5,i2:5] = sum(r0:3) (i1 + r0 >= 1 && i1 + r0 < 6 ? t0[i0,i1+r0-1,i2] : 0.0)
            } -> t1
            """
        let workload = canonicalise(try Workload(parsing: text)).workload
        let definition = workload.definitions[0]
        func walk(_ halo: Int, block: Int) -> OperandWalk? {
            let layout = Layout.maps(
                MapLayout(channels: 8, height: 5, width: 5, block: block, haloY: halo, haloX: 0))
            return workload.walk(
                definition.expressions[0], extents: definition.axisExtents,
                Interface(entries: [.init(slot: 0, layout: layout)]))
        }
        #expect(walk(0, block: 4) == nil)
        let found = try #require(walk(1, block: 4))
        // lines of 5 positions of 4 channels; line -1 is the first one of the halo
        #expect(found.origin == 0)
        #expect(found.pieces(of: [3]).map(\.stride) == [20])
        #expect(found.pieces(of: [0]).map(\.stride) == [7 * 20, 1])
        #expect(found.pieces(of: [0]).map(\.extent) == [2, 4])
        #expect(try #require(walk(1, block: 8)).pieces(of: [0]).map(\.stride) == [1])
        // another value outside of the map cannot be read from zeros
        let other = canonicalise(try Workload(parsing: text.replacing(": 0.0)", with: ": 1.0)"))).workload
        let layout = Layout.maps(MapLayout(channels: 8, height: 5, width: 5, block: 4, haloY: 1, haloX: 0))
        let interface = Interface(entries: [.init(slot: 0, layout: layout)])
        #expect(
            other.walk(other.definitions[0].expressions[0], extents: other.definitions[0].axisExtents, interface) == nil
        )
    }
}
