// Order steps of the canonical form: reduction axes, commutative operands, results. They sort by keys that know no
// numbering: a slot's colour is a digest of what it is, what it is computed from and where it is used, refined until
// it tells no more slots apart. Slots of one colour are interchangeable but for rare symmetries, which cost a digest
// of their own and nothing else.

import Basics

extension CanonicalDraft {
    /// Orders reduction axes by descending address coefficients over all reads, constants first.
    mutating func orderReductionAxes() {
        guard workload.definitions.contains(where: { $0.reductionExtents.count > 1 }) else { return }
        let colours = slotColours()
        for d in workload.definitions.indices {
            guard case .reduce(let reducer, let extents, _, _) = workload.definitions[d].body, extents.count > 1
            else { continue }
            let rank = workload.definitions[d].type.rank
            let addresses = addresses(d, colours)
            let keys = extents.indices.map { r in addresses.map { -$0.coefficient(ofAxis: rank + r) } }
            let order = extents.indices.sorted { a, b in
                keys[a] == keys[b]
                    ? (extents[a], a) < (extents[b], b) : keys[a].lexicographicallyPrecedes(keys[b])
            }
            var axes = (0..<rank).map { Expr.axis($0) } + extents.map { _ in Expr.integer(0) }
            for (position, old) in order.enumerated() { axes[rank + old] = .axis(rank + position) }
            let moved = workload.definitions[d].mapExpressions { $0.substituting(axes: axes) }
            guard case .reduce(_, _, let newCondition, let newValue) = moved.body else { continue }
            workload.definitions[d].body = .reduce(
                reducer, extents: order.map { extents[$0] }, condition: newCondition, newValue)
        }
        simplify()
    }

    /// Flat addresses of all reads of a definition, in an order that knows no numbering.
    private func addresses(_ d: Int, _ colours: [String]) -> [Affine] {
        let simplifier = simplifier(d)
        var found: [(key: String, address: Affine)] = []
        for expression in workload.definitions[d].expressions {
            expression.visit { node in
                guard case .read(let slot, let indices) = node else { return }
                let sum = zip(indices, workload.type(ofSlot: slot).strides).reduce(Affine(constant: 0)) {
                    $0 + simplifier.affine($1.0) * $1.1
                }
                let constant = slot < firstDefinition && workload.parameters[slot].isConstant ? "0" : "1"
                found.append((constant + colours[slot] + structuralKey(node, d, colours), sum))
            }
        }
        return found.sorted { $0.key < $1.key }.map(\.address)
    }

    /// Orders the operands of commutative operators by structure.
    mutating func orderOperands() {
        let colours = slotColours()
        for d in workload.definitions.indices {
            workload.definitions[d] = workload.definitions[d].mapExpressions { e in
                e.rewritten { node in
                    guard case .binary(let op, let a, let b) = node, op.isCommutative else { return node }
                    let before = fullKey(b, d, colours) < fullKey(a, d, colours)
                    return before ? .binary(op, b, a) : node
                }
            }
        }
        simplify()
    }

    /// Result positions ordered by the structure of what they hold, then by position.
    func orderedResults() -> [Int] {
        guard workload.results.count > 1 else { return Array(workload.results.indices) }
        let colours = slotColours()
        return workload.results.indices.sorted { a, b in
            let (x, y) = (colours[workload.results[a]], colours[workload.results[b]])
            return x == y ? a < b : x < y
        }
    }

    /// A text per slot that depends on what the slot is and how it is used, never on its number.
    private func slotColours() -> [String] {
        let results = Set(workload.results)
        var colours = (0..<firstDefinition + workload.definitions.count).map { slot -> String in
            let type = workload.type(ofSlot: slot)
            let kind = slot < firstDefinition ? (workload.parameters[slot].isConstant ? "c" : "v") : "d"
            let mark = results.contains(slot) ? "!" : ""
            return kind + mark + type.dtype.rawValue + "\(type.elements)"
        }
        var classes = Set(colours).count
        // every round that tells something new tells at least one slot more apart
        for _ in colours.indices {
            let next = refined(colours)
            let found = Set(next).count
            colours = next
            if found == colours.count || found == classes { break }
            classes = found
        }
        return colours
    }

    /// One round: front to back the colours of what a slot is made of join its own, then back to front those of where
    /// it is used. A chain is told apart from its neighbours in a single round.
    private func refined(_ colours: [String]) -> [String] {
        var out = colours
        for d in workload.definitions.indices {
            let own = firstDefinition + d
            out[own] = Digest(of: out[own] + bodyKey(d, out)).short
        }
        var uses = [[String]](repeating: [], count: colours.count)
        func close(_ slot: Int) {
            out[slot] = Digest(of: out[slot] + "<" + uses[slot].sorted().joined(separator: ";")).short
        }
        for d in workload.definitions.indices.reversed() {
            let own = firstDefinition + d
            close(own)
            for e in workload.definitions[d].expressions { collectUses(e, d, out, path: out[own], &uses) }
        }
        for slot in workload.parameters.indices { close(slot) }
        return out
    }

    private func bodyKey(_ d: Int, _ colours: [String]) -> String {
        let definition = workload.definitions[d]
        let head: String
        switch definition.body {
        case .map: head = "map"
        case .reduce(let reducer, let extents, let condition, _):
            head = reducer.rawValue + extents.sorted().description + (condition == nil ? "" : "?")
        case .pieces(let pieces): head = "pieces" + pieces.map(\.box.description).joined()
        }
        let body = definition.expressions.map { structuralKey($0, d, colours) }.joined(separator: ";")
        return head + definition.type.shape.description + body
    }

    /// Notes at every slot that `e` reads the way from the definition down to the read; the sides of commutative
    /// operators are not told apart.
    private func collectUses(_ e: Expr, _ d: Int, _ colours: [String], path: String, _ uses: inout [[String]]) {
        switch e {
        case .literal, .axis: return
        case .read(let slot, let indices):
            uses[slot].append(path + structuralKey(e, d, colours))
            for (n, index) in indices.enumerated() { collectUses(index, d, colours, path: path + "[\(n)", &uses) }
        case .unary(let op, let a): collectUses(a, d, colours, path: path + op.rawValue, &uses)
        case .cast(let dtype, let a): collectUses(a, d, colours, path: path + dtype.rawValue, &uses)
        case .binary(let op, let a, let b):
            for (side, operand) in [a, b].enumerated() {
                let way = op.rawValue + (op.isCommutative ? "" : "\(side)")
                collectUses(operand, d, colours, path: path + way, &uses)
            }
        case .select(let c, let a, let b):
            for (side, operand) in [c, a, b].enumerated() {
                collectUses(operand, d, colours, path: path + "?\(side)", &uses)
            }
        }
    }

    /// The expression with slots as colours and axes as kind and extent; commutative operands sorted.
    private func structuralKey(_ e: Expr, _ d: Int, _ colours: [String]) -> String {
        let definition = workload.definitions[d]
        switch e {
        case .literal(let literal): return "l\(literal.dtype.rawValue)\(literal.bits)"
        case .axis(let i):
            return i < definition.type.rank ? "s\(i)" : "r\(definition.axisExtents[i])"
        case .read(let slot, let indices):
            return colours[slot] + "[" + indices.map { structuralKey($0, d, colours) }.joined(separator: ",") + "]"
        case .binary(let op, let a, let b):
            var parts = [structuralKey(a, d, colours), structuralKey(b, d, colours)]
            if op.isCommutative { parts.sort() }
            return op.rawValue + "(" + parts.joined(separator: ",") + ")"
        case .unary(let op, let a): return op.rawValue + "(" + structuralKey(a, d, colours) + ")"
        case .cast(let dtype, let a): return dtype.rawValue + "(" + structuralKey(a, d, colours) + ")"
        case .select(let c, let a, let b):
            return "sel(" + [c, a, b].map { structuralKey($0, d, colours) }.joined(separator: ",") + ")"
        }
    }

    /// Structure first, exact axes second.
    private func fullKey(_ e: Expr, _ d: Int, _ colours: [String]) -> String {
        "\(rankOf(e))" + structuralKey(e, d, colours) + e.sortKey
    }

    /// Reads before arithmetic, literals last: the order in which people write.
    private func rankOf(_ e: Expr) -> Int {
        switch e {
        case .read: 0
        case .axis: 1
        case .unary, .binary, .select, .cast: 2
        case .literal: 3
        }
    }
}
