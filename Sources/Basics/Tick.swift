// Time is an input: cores take a `Tick`, shells read the clock.

/// A point on a monotonic clock, in nanoseconds since an origin that only its owner knows.
package struct Tick: Hashable, Sendable, Comparable {
    package var nanoseconds: Int64
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let zero = Tick(nanoseconds: 0)
    package static func < (a: Tick, b: Tick) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func + (a: Tick, b: Span) -> Tick { Tick(nanoseconds: a.nanoseconds + b.nanoseconds) }
    package static func - (a: Tick, b: Tick) -> Span { Span(nanoseconds: a.nanoseconds - b.nanoseconds) }

    /// A length of time in nanoseconds.
    package struct Span: Hashable, Sendable, Comparable {
        package var nanoseconds: Int64
        package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
        package static func milliseconds(_ n: Int64) -> Span { Span(nanoseconds: n * 1_000_000) }
        package static func seconds(_ n: Int64) -> Span { Span(nanoseconds: n * 1_000_000_000) }
        package var seconds: Double { Double(nanoseconds) * 1e-9 }
        package static func < (a: Span, b: Span) -> Bool { a.nanoseconds < b.nanoseconds }
    }
}
