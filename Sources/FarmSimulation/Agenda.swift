// Future events in order of time, and of scheduling where times are equal: a binary heap.

import Basics

struct Agenda<Event: Sendable>: Sendable {
    private struct Entry: Sendable {
        var at: Tick
        var number: Int
        var event: Event
        func precedes(_ other: Entry) -> Bool { (at, number) < (other.at, other.number) }
    }
    private var heap: [Entry] = []
    private var count = 0

    mutating func add(_ event: Event, at moment: Tick) {
        heap.append(Entry(at: moment, number: count, event: event))
        count += 1
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (at: Tick, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2]
                where child < heap.count && heap[child].precedes(heap[least]) { least = child }
                if least == parent { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.at, first.event)
    }
}
