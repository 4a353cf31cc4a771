// What the verifier knows about a program across its bodies: which routines reach which, which scalars they change,
// who publishes a counter and how far, and between which bounds scalars stay.

import TensorIR

extension Program {
    /// Routines that `steps` reach, themselves called or through others, in rising order.
    func routinesReached(from steps: [Step]) -> [Int] {
        var reached: Set<Int> = []
        var left = [steps]
        while let next = left.popLast() {
            Step.visit(next) { step in
                if case .call(let routine, _) = step, routines.indices.contains(routine),
                    reached.insert(routine).inserted
                {
                    left.append(routines[routine])
                }
            }
        }
        return reached.sorted()
    }

    /// Scalars that a call of `routine` may leave changed.
    func scalarsChanged(byRoutine routine: Int) -> Set<Int> {
        var out: Set<Int> = []
        for reached in Set(routinesReached(from: routines[routine]) + [routine]).sorted() {
            Step.visit(routines[reached]) { step in
                switch step {
                case .load(let scalar, _, _), .set(let scalar, _), .loop(let scalar, _, _, _): out.insert(scalar)
                case .run, .publish, .wait, .branch, .call, .stopIf: break
                }
            }
        }
        return out
    }

    /// Every call fits the frames; a recursion needs at least one.
    func verifyCalls() throws(ProgramError) {
        var deepest = [Int](repeating: 0, count: routines.count)
        for (index, steps) in routines.enumerated() where routinesReached(from: steps).contains(index) {
            if frames == 0 { throw ProgramError(.recursionWithoutFrames(routine: index), at: nil) }
            return
        }
        func depth(_ steps: [Step]) -> Int {
            var out = 0
            Step.visit(steps) { step in
                if case .call(let routine, _) = step { out = max(out, 1 + deepest[routine]) }
            }
            return out
        }
        for _ in routines.indices {
            for index in routines.indices { deepest[index] = depth(routines[index]) }
        }
        let needed = lanes.map(depth).max() ?? 0
        if needed > frames { throw ProgramError(.framesTooFew(frames: frames, needed: needed), at: nil) }
    }

    /// A counter has one publisher, and no wait is for more than it can publish.
    func verifyCounters() throws(ProgramError) {
        let analysis = ScalarBounds(self)
        var publishers = [[Int]](repeating: [], count: counters)
        var greatest = [Int64](repeating: 0, count: counters)
        for (lane, steps) in lanes.enumerated() {
            for (body, steps) in bodies(ofLane: lane, steps) {
                analysis.visit(steps, analysis.ranges(of: body)) { step, scalars in
                    guard case .publish(let counter, let value) = step else { return }
                    if publishers[counter].last != lane { publishers[counter].append(lane) }
                    greatest[counter] = max(greatest[counter], bounds(value, scalars)?.upperBound ?? .max)
                }
            }
        }
        for (counter, lanes) in publishers.enumerated() where lanes.count > 1 {
            throw ProgramError(.counterShared(counter: counter, lanes: lanes), at: nil)
        }
        var fault: ProgramError?
        for (lane, steps) in lanes.enumerated() {
            for (body, steps) in bodies(ofLane: lane, steps) where fault == nil {
                var number = 0
                analysis.visit(steps, analysis.ranges(of: body)) { step, scalars in
                    number += 1
                    guard fault == nil, case .wait(let counter, let value) = step,
                        let least = bounds(value, scalars)?.lowerBound, least > greatest[counter]
                    else { return }
                    fault = ProgramError(
                        .waitBeyond(counter: counter, value: least, greatest: greatest[counter]),
                        at: ProgramError.Place(body: body, step: number))
                }
            }
        }
        if let fault { throw fault }
    }

    private func bodies(ofLane lane: Int, _ steps: [Step]) -> [(ProgramError.Body, [Step])] {
        [(.lane(lane), steps)] + routinesReached(from: steps).map { (.routine($0), routines[$0]) }
    }
}

/// Bounds of scalars, sound for every run. A scalar's range joins everything that is ever stored in it; inside a loop
/// its counting scalar is known more closely.
struct ScalarBounds {
    private let program: Program

    /// Joins that are computed before a range that still grows is given up.
    private static let roundsMax = 4

    init(_ program: Program) { self.program = program }

    /// Values of the counting scalar inside `from ..< to`; `nil` when unknown or when the loop never runs.
    static func inside(_ from: Expr, _ to: Expr, _ scalars: [Bounds?]) -> Bounds? {
        guard let from = bounds(from, scalars), let to = bounds(to, scalars), to.upperBound > from.lowerBound else {
            return nil
        }
        return from.lowerBound...(to.upperBound - 1)
    }

    /// Ranges at any step of a body. A routine may be called by every lane, so it sees the join over all lanes.
    func ranges(of body: ProgramError.Body) -> [Bounds?] {
        let sources: [[Step]]
        switch body {
        case .lane(let lane):
            let steps = program.lanes[lane]
            sources = [steps] + program.routinesReached(from: steps).map { program.routines[$0] }
        case .routine: sources = program.lanes + program.routines
        }
        var ranges = [Bounds?](repeating: 0...0, count: max(1, program.scalars))
        ranges[0] = 0...Int64(max(0, program.frames))
        for round in 0... {
            var next = ranges
            for steps in sources { visit(steps, ranges) { step, scalars in join(step, scalars, &next) } }
            if next == ranges { return ranges }
            for scalar in ranges.indices where next[scalar] != ranges[scalar] {
                ranges[scalar] = round < ScalarBounds.roundsMax ? next[scalar] : nil
            }
        }
        preconditionFailure("every round past the limit gives up a range, so the rounds end")
    }

    private func join(_ step: Step, _ scalars: [Bounds?], _ ranges: inout [Bounds?]) {
        func store(_ scalar: Int, _ value: Bounds?) {
            guard ranges.indices.contains(scalar) else { return }
            guard let old = ranges[scalar], let value else {
                ranges[scalar] = nil
                return
            }
            ranges[scalar] = min(old.lowerBound, value.lowerBound)...max(old.upperBound, value.upperBound)
        }
        switch step {
        case .set(let scalar, let value): store(scalar, bounds(value, scalars))
        case .load(let scalar, _, _): store(scalar, nil)
        case .loop(let scalar, let from, let to, _):
            store(scalar, bounds(from, scalars))
            store(scalar, bounds(to, scalars))
        case .run, .publish, .wait, .branch, .call, .stopIf: break
        }
    }

    /// Visits the steps in the order of the text with the bounds that hold there.
    func visit(_ steps: [Step], _ scalars: [Bounds?], _ body: (Step, [Bounds?]) -> Void) {
        for step in steps {
            body(step, scalars)
            switch step {
            case .run, .publish, .wait, .load, .set, .call, .stopIf: break
            case .loop(let scalar, let from, let to, let inner):
                var closer = scalars
                if closer.indices.contains(scalar) { closer[scalar] = ScalarBounds.inside(from, to, scalars) }
                visit(inner, closer, body)
            case .branch(_, let then, let otherwise):
                visit(then, scalars, body)
                visit(otherwise, scalars, body)
            }
        }
    }
}
