// The canonical form: however a workload is written, one digest; whatever is changed in it, another one. Idempotent,
// and the canonical workload computes the same bytes from the same bytes.

import Basics
import Testing

@testable import TensorIR

@Suite struct CanonicalTests {
    @Test func threeHundredVariantsOfEachWorkloadKeepItsDigest() throws {
        for (name, workload) in try CanonicalSamples.workloads() {
            try workload.verify()
            let expected = canonicalise(workload).workload
            for seed in 0..<300 {
                var variant = CanonicalVariant(workload, seed: UInt64(seed))
                variant.change(1 + seed % 12)
                let found = canonicalise(variant.workload).workload
                if found.digest != expected.digest {
                    Issue.record("\(name), seed \(seed):\n\(variant.workload)\(found)instead of\n\(expected)")
                    break
                }
            }
        }
    }

    @Test func canonicalIsIdempotent() throws {
        var samples = TensorIRSamples(seed: 21)
        let random = (0..<300).map { _ in samples.workload() }
        for workload in try CanonicalSamples.workloads().map(\.workload) + random {
            let once = canonicalise(workload).workload
            let twice = canonicalise(once)
            #expect(twice.workload == once, "\(workload)once\n\(once)twice\n\(twice.workload)")
            #expect(twice.parameterSources == Array(once.parameters.indices))
            #expect(twice.resultSources == Array(once.results.indices))
        }
    }

    @Test func canonicalWorkloadsComputeTheSameBytes() throws {
        var samples = TensorIRSamples(seed: 22)
        func check(_ workload: Workload, _ note: String) throws {
            let canonical = canonicalise(workload)
            try canonical.workload.verify()
            let values = workload.parameters.map { samples.value($0.type) }
            let expected = interpret(workload, parameters: values)
            let found = interpret(canonical.workload, parameters: bound(canonical, values))
            #expect(found.count == expected.count)
            for (r, value) in found.enumerated() {
                let original = expected[canonical.resultSources[r]]
                #expect(isClose(value, original), "\(note)\n\(workload)\(canonical.workload)\(original) \(value)")
            }
        }
        for (name, workload) in try CanonicalSamples.workloads() {
            for seed in 0..<30 {
                var variant = CanonicalVariant(workload, seed: UInt64(seed))
                variant.change(seed % 8)
                try variant.workload.verify()
                try check(variant.workload, name)
            }
        }
        for n in 0..<300 { try check(samples.workload(), "sample \(n)") }
    }

    /// The values of the canonical parameters: the same elements in the canonical shape.
    private func bound(_ canonical: Canonical, _ values: [TensorValue]) -> [TensorValue] {
        zip(canonical.workload.parameters, canonical.parameterSources).map { parameter, source in
            var value = values[source]
            value.type = parameter.type
            return value
        }
    }

    private func isClose(_ a: TensorValue, _ b: TensorValue) -> Bool {
        guard a.type.elements == b.type.elements, a.type.dtype == b.type.dtype else { return false }
        switch (a.elements, b.elements) {
        case (.floats(let x), .floats(let y)):
            return zip(x, y).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) || abs($0 - $1) <= 1e-9 * max(1, abs($1)) }
        case (.integers(let x), .integers(let y)): return x == y
        case (.floats, .integers), (.integers, .floats): return false
        }
    }

    // MARK: what must change the digest

    /// The workload with one thing changed, for every thing of a kind.
    private func digests(_ workload: Workload, _ change: (Expr) -> Expr?) -> [Digest] {
        var out: [Digest] = []
        for d in workload.definitions.indices {
            var nodes = 0
            for e in workload.definitions[d].expressions { e.visit { _ in nodes += 1 } }
            for target in 0..<nodes {
                var at = -1
                var changed = false
                var copy = workload
                copy.definitions[d] = workload.definitions[d].mapExpressions { e in
                    e.rewritten { node in
                        at += 1
                        guard at == target, let other = change(node) else { return node }
                        changed = true
                        return other
                    }
                }
                if changed { out.append(canonicalise(copy).workload.digest) }
            }
        }
        return out
    }

    @Test func anyOtherLiteralChangesTheDigest() throws {
        for (name, workload) in try CanonicalSamples.workloads() {
            let own = canonicalise(workload).workload.digest
            let others = digests(workload) { node in
                guard case .literal(let literal) = node, literal.dtype.isFloat else { return nil }
                return .literal(.float(literal.float + 0.25, literal.dtype))
            }
            #expect(!others.contains(own), "\(name)")
            #expect(Set(others).count == others.count, "\(name)")
        }
    }

    @Test func anyOtherOperatorChangesTheDigest() throws {
        for (name, workload) in try CanonicalSamples.workloads() {
            let own = canonicalise(workload).workload.digest
            let others = digests(workload) { node in
                switch node {
                case .unary(.exp, let a): return .unary(.erf, a)
                case .unary(.erf, let a): return .unary(.exp, a)
                case .binary(.subtract, let a, let b) where !a.usesAxis(in: 0..<64) || !a.slotsRead.isEmpty:
                    return .binary(.maximum, a, b)
                case .binary(.divide, let a, let b): return .binary(.divide, b, a)
                case .binary(.lessOrEqual, let a, let b): return .binary(.less, a, b)
                case .select(let c, let a, let b): return .select(c, b, a)
                case .literal, .axis, .read, .unary, .binary, .cast: return nil
                }
            }
            #expect(!others.contains(own), "\(name)")
        }
    }

    @Test func anyOtherReducerChangesTheDigest() throws {
        for (name, workload) in try CanonicalSamples.workloads() {
            let own = canonicalise(workload).workload.digest
            for d in workload.definitions.indices {
                guard case .reduce(let old, let extents, let condition, let e) = workload.definitions[d].body
                else { continue }
                for reducer in Reducer.allCases where reducer != old {
                    var copy = workload
                    copy.definitions[d].body = .reduce(reducer, extents: extents, condition: condition, e)
                    #expect(canonicalise(copy).workload.digest != own, "\(name)")
                }
            }
        }
    }

    @Test func anyOtherDTypeOrConstancyChangesTheDigest() throws {
        for (name, workload) in try CanonicalSamples.workloads() {
            let own = canonicalise(workload).workload.digest
            for slot in workload.parameters.indices {
                var copy = workload
                copy.parameters[slot].isConstant.toggle()
                #expect(canonicalise(copy).workload.digest != own, "\(name), t\(slot)")
                copy = workload
                copy.parameters[slot].type.dtype = copy.parameters[slot].type.dtype == .f32 ? .f64 : .i16
                #expect(canonicalise(copy).workload.digest != own, "\(name), t\(slot)")
            }
            for d in workload.definitions.indices {
                var copy = workload
                copy.definitions[d].type.dtype = .f16
                #expect(canonicalise(copy).workload.digest != own, "\(name), definition \(d)")
            }
        }
    }

    @Test func anyOtherExtentChangesTheDigest() throws {
        for (name, text) in CanonicalSamples.texts {
            let own = canonicalise(try Workload(parsing: text)).workload.digest
            // every number that is an extent stands between ':' or '[' or ',' and ',' or ']' or ')'
            let bytes = Array(text.utf8)
            var at = 0
            var tried = 0
            while at < bytes.count {
                guard (0x31...0x39).contains(bytes[at]), at > 0, bytes[at - 1] == UInt8(ascii: ":") else {
                    at += 1
                    continue
                }
                var end = at
                while end < bytes.count, (0x30...0x39).contains(bytes[end]) { end += 1 }
                let number = Int(String(decoding: bytes[at..<end], as: UTF8.self)) ?? 0
                let changed = bytes[..<at] + Array("\(number + 1)".utf8) + bytes[end...]
                let other = try Workload(parsing: String(decoding: changed, as: UTF8.self))
                #expect(canonicalise(other).workload.digest != own, "\(name), byte \(at)")
                tried += 1
                at = end
            }
            #expect(tried > 1)
        }
    }
}
