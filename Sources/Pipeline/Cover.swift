// Cover: the cheapest welds and layouts that compute every output, by measured cost where there is one. Welds of the
// candidate set overlap only with the single anchors they are made of, so each is taken whole or operation by
// operation; the layouts are a shortest path along the welds, whose state is the layout of every tensor that is still
// needed. A tensor that a reader wants otherwise than it lies is converted by an identity weld.
//
// In:  a graph of definitions, costs.  Out: welds with their interfaces and schedules, in an order in which they run.

import Basics
import DeviceModel
import Roller
import Schedules
import TensorIR
import Welder

package struct CoveredWeld: Hashable, Sendable {
    /// Its operations are none when it converts a layout.
    package var weld: Weld
    package var workload: Workload
    package var digest: Digest
    package var interface: Interface
    package var binding: Binding
    package var choice: Choice
}

package struct Cover: Hashable, Sendable {
    /// In an order in which they can run, those inside of loops and branches in their place.
    package var welds: [CoveredWeld]
    /// What runs when; one stretch of all welds where nothing depends on data.
    package var order: [CoverPart] = []
    /// Whether no state of the search was left aside.
    package var isExact = true
    /// Sum of the choices in nanoseconds.
    package var ns: Double { welds.reduce(0) { $0 + $1.choice.ns } }
}

/// A part of a region, its stretches covered.
package indirect enum CoverPart: Hashable, Sendable {
    /// These welds of the cover.
    case welds(Range<Int>)
    case extern(results: [ValueID], Extern, operands: [ValueID])
    case loop(tripCount: ValueID?, goesOn: ValueID?, body: [CoverPart])
    case branch(condition: ValueID, then: [CoverPart], otherwise: [CoverPart])
}

/// Covers each stretch of `region` for itself; what goes from one to another lies row-major.
/// - Parameter families: the layouts that welds may have; row-major has to be among them.
func cover(
    _ region: RegionParts, _ costs: inout CostTable, families: [LayoutFamily] = LayoutFamily.allCases
) throws(PipelineError) -> Cover {
    var out = Cover(welds: [])
    func covered(_ parts: [RegionPart], _ costs: inout CostTable) throws(PipelineError) -> [CoverPart] {
        var order: [CoverPart] = []
        for part in parts {
            switch part {
            case .straight(let stretch):
                let found = try cover(region.graph(of: stretch), &costs, families: families)
                order.append(.welds(out.welds.count..<out.welds.count + found.welds.count))
                out.welds += found.welds
                out.isExact = out.isExact && found.isExact
            case .extern(let results, let extern, let operands):
                order.append(.extern(results: results, extern, operands: operands))
            case .loop(let tripCount, let goesOn, let body):
                let inner = try covered(body, &costs)
                order.append(.loop(tripCount: tripCount, goesOn: goesOn, body: inner))
            case .branch(let condition, let then, let otherwise):
                let sides = (try covered(then, &costs), try covered(otherwise, &costs))
                order.append(.branch(condition: condition, then: sides.0, otherwise: sides.1))
            }
        }
        return order
    }
    out.order = try covered(region.parts, &costs)
    return out
}

/// The cover of a graph of definitions.
private func cover(
    _ graph: Graph, _ costs: inout CostTable, families: [LayoutFamily]
) throws(PipelineError) -> Cover {
    var search = CoverSearch(graph, costs, families)
    let found = try search.search()
    costs = search.costs
    return found
}

/// States kept per weld.
let coverStatesMax = 4096

private struct CoverSearch {
    struct Extracted {
        var weld: Weld
        var workload: Workload
        var digest: Digest
        var binding: Binding
    }

    let graph: Graph
    var costs: CostTable
    private let families: [LayoutFamily]
    /// Per candidate weld: itself, and its operations one by one when it has several.
    private let alternatives: [[[Extracted]]]
    private let choices: LayoutChoices
    /// The weld after which a tensor is not read any more.
    private var lastUse: [ValueID: Int] = [:]
    private var conversions: [Conversion: Choice] = [:]
    private var conversionWorkloads: [TensorType: (workload: Workload, digest: Digest)] = [:]
    private var chosen: [ChoiceKey: [CoveredWeld]?] = [:]

    private struct Conversion: Hashable {
        var type: TensorType
        var from: Layout
        var to: Layout
    }
    private struct ChoiceKey: Hashable {
        var weld: Int
        var alternative: Int
        var family: LayoutFamily
    }
    private struct State {
        var ns: Double
        /// Layouts of the tensors that a later weld reads.
        var live: [ValueID: Layout]
        var previous: Int
        var welds: [CoveredWeld]
    }

    init(_ graph: Graph, _ costs: CostTable, _ families: [LayoutFamily]) {
        self.graph = graph
        self.costs = costs
        self.families = families
        let candidates = candidateWelds(graph)
        var index = GraphIndex(graph)
        index.stored = Set(candidates.flatMap(\.results))
        func extracted(_ weld: Weld) -> Extracted {
            let (workload, binding) = index.extract(weld)
            return Extracted(weld: weld, workload: workload, digest: workload.digest, binding: binding)
        }
        alternatives = candidates.map { weld in
            var out = [[extracted(weld)]]
            if weld.operations.count > 1 {
                out.append(
                    weld.operations.compactMap { at in
                        index.definition(at).map { extracted(Weld(operations: [at], results: [$0.result])) }
                    })
            }
            return out
        }
        choices = LayoutChoices(graph, alternatives.flatMap { $0[0] }.map { ($0.workload, $0.binding) })
        for (n, options) in alternatives.enumerated() {
            for weld in options.joined() { for value in weld.binding.parameters { lastUse[value] = n } }
        }
        for value in graph.body.results { lastUse[value] = alternatives.count }
    }

    mutating func search() throws(PipelineError) -> Cover {
        var isExact = true
        var ranks = [[State(ns: 0, live: [:], previous: -1, welds: [])]]
        for n in alternatives.indices {
            var best: [[ValueID: Layout]: State] = [:]
            for (at, state) in ranks[n].enumerated() {
                for next in successors(state, n, previous: at) {
                    if let known = best[next.live], known.ns <= next.ns { continue }
                    best[next.live] = next
                }
            }
            guard !best.isEmpty else {
                throw .noWorkingKernel(workload: alternatives[n][0][0].digest)
            }
            // the order of equals must not depend on hashing
            var states = best.values.map { (state: $0, key: key($0.live)) }
            states.sort { ($0.state.ns, $0.key) < ($1.state.ns, $1.key) }
            if states.count > coverStatesMax {
                isExact = false
                states.removeLast(states.count - coverStatesMax)
            }
            ranks.append(states.map(\.state))
        }
        // outputs leave row-major
        var last: (ns: Double, state: State, welds: [CoveredWeld])?
        for state in ranks[alternatives.count] {
            var welds: [CoveredWeld] = []
            for value in graph.body.results {
                guard let layout = state.live[value], layout != .row else { continue }
                guard let weld = convert(value, layout, .row) else { continue }
                welds.append(weld)
            }
            let ns = state.ns + welds.reduce(0) { $0 + $1.choice.ns }
            if ns < last?.ns ?? .infinity { last = (ns, state, welds) }
        }
        guard let last else { throw .noWorkingKernel(workload: graph.digestOfText) }
        var welds = last.welds
        var state = last.state
        for n in alternatives.indices.reversed() {
            welds = state.welds + welds
            state = ranks[n][state.previous]
        }
        return Cover(welds: unique(welds), isExact: isExact)
    }

    private func key(_ live: [ValueID: Layout]) -> String {
        live.sorted { $0.key < $1.key }.map { "\($0.key.index) \($0.value.text)" }.joined(separator: ";")
    }

    private mutating func successors(_ state: State, _ n: Int, previous: Int) -> [State] {
        var out: [State] = []
        for family in families {
            var best: (ns: Double, welds: [CoveredWeld], live: [ValueID: Layout])?
            for alternative in alternatives[n].indices {
                guard let welds = covered(n, alternative, family) else { continue }
                var live = state.live
                var run: [CoveredWeld] = []
                var ns = 0.0
                for weld in welds {
                    for (slot, value) in weld.binding.parameters.enumerated() where !weld.isConstant(slot) {
                        let from = live[value] ?? .row
                        let to = weld.interface.layout(ofSlot: slot)
                        if from == to { continue }
                        guard let conversion = convert(value, from, to) else {
                            ns = .infinity
                            break
                        }
                        ns += conversion.choice.ns
                        run.append(conversion)
                    }
                    ns += weld.choice.ns
                    run.append(weld)
                    for (slot, value) in zip(weld.workload.results, weld.binding.results) {
                        live[value] = weld.interface.layout(ofSlot: slot)
                    }
                }
                if ns < best?.ns ?? .infinity { best = (ns, run, live) }
            }
            guard let best else { continue }
            let live = best.live.filter { (lastUse[$0.key] ?? -1) > n && $0.value != .row }
            out.append(State(ns: state.ns + best.ns, live: live, previous: previous, welds: best.welds))
        }
        return out
    }

    /// The welds of an alternative in a family; `nil` when one of them has no kernel there.
    private mutating func covered(_ n: Int, _ alternative: Int, _ family: LayoutFamily) -> [CoveredWeld]? {
        let key = ChoiceKey(weld: n, alternative: alternative, family: family)
        if let known = chosen[key] { return known }
        var out: [CoveredWeld]? = []
        for weld in alternatives[n][alternative] {
            guard let interface = choices.interface(weld.workload, weld.binding, family),
                let choice = costs.choice(weld.workload, weld.digest, interface)
            else {
                out = nil
                break
            }
            out?.append(
                CoveredWeld(
                    weld: weld.weld, workload: weld.workload, digest: weld.digest, interface: interface,
                    binding: weld.binding, choice: choice))
        }
        chosen[key] = .some(out)
        return out
    }

    private mutating func convert(_ value: ValueID, _ from: Layout, _ to: Layout) -> CoveredWeld? {
        let type = graph.type(value)
        if conversionWorkloads[type] == nil {
            let made = conversion(type)
            conversionWorkloads[type] = (made, made.digest)
        }
        guard let (workload, digest) = conversionWorkloads[type] else { return nil }
        let interface = Interface(entries: [.init(slot: 0, layout: from), .init(slot: 1, layout: to)])
        guard workload.isLowerable(interface) else { return nil }
        let key = Conversion(type: type, from: from, to: to)
        if conversions[key] == nil { conversions[key] = costs.choice(workload, digest, interface) }
        guard let choice = conversions[key] else { return nil }
        return CoveredWeld(
            weld: Weld(operations: [], results: []), workload: workload, digest: digest, interface: interface,
            binding: Binding(parameters: [value], results: [value]), choice: choice)
    }

    /// A tensor is converted to a layout once.
    private func unique(_ welds: [CoveredWeld]) -> [CoveredWeld] {
        var seen: Set<CoveredWeld> = []
        return welds.filter { !$0.weld.operations.isEmpty || seen.insert($0).inserted }
    }
}

extension CoveredWeld {
    func isConstant(_ slot: Int) -> Bool { workload.parameters[slot].isConstant }
    var key: SearchKey { SearchKey(workload: digest, interface: interface) }
}

extension Graph {
    fileprivate var digestOfText: Digest { Digest(of: text) }
}

/// A question worth asking about one workload under one interface.
package struct Wanted: Hashable, Sendable {
    package var workload: Workload
    package var digest: Digest
    package var interface: Interface
    package var need: Need
    /// Calls in one run of the model.
    package var calls: Int
    /// Calls × nanoseconds of the present choice: what a better kernel could save at most.
    package var weightNs: Double
}

/// What is open about the welds of `cover`, greatest weight first.
func wanted(_ cover: Cover, _ costs: inout CostTable) -> [Wanted] {
    var calls: [SearchKey: Int] = [:]
    for weld in cover.welds { calls[weld.key, default: 0] += 1 }
    var seen: Set<SearchKey> = []
    var out: [Wanted] = []
    for weld in cover.welds where seen.insert(weld.key).inserted {
        guard let need = need(weld.workload, weld.digest, weld.interface, costs.table, costs.device, costs.limits)
        else { continue }
        let count = calls[weld.key] ?? 1
        out.append(
            Wanted(
                workload: weld.workload, digest: weld.digest, interface: weld.interface, need: need, calls: count,
                weightNs: Double(count) * weld.choice.ns))
    }
    return out.sorted {
        ($0.weightNs, $1.digest, $1.interface.text) > ($1.weightNs, $0.digest, $0.interface.text)
    }
}
