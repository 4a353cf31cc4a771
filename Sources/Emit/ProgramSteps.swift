// Steps of a lane as straight-line C: a run becomes a call, a loop a `for`, a branch an `if`, a routine a function.
// Constant addresses are sums that the C compiler folds; an address or task range that depends on scalars is checked
// where it is used, since scalars may have been loaded from data. The flag of `cancel` is looked at where a loop goes
// round and after every 64 runs of straight text.

import Basics
import ProgramIR
import TensorIR

struct ProgramStepPrinter {
    private static let runsPerCheck = 64

    private let program: Program
    private let prefix: String
    private let weights: WeightsLayout
    private(set) var expressions = ProgramExpressionPrinter()
    private var runs = 0
    private var names = 0

    init(_ program: Program, prefix: String, weights: WeightsLayout) {
        self.program = program
        self.prefix = prefix
        self.weights = weights
    }

    /// The function `name`, which runs `steps` and returns a status.
    mutating func function(_ name: String, _ steps: [Step]) -> String {
        (runs, names) = (0, 0)
        var writer = TextWriter()
        writer.block("static int \(name)(Lane *l)") { writer in
            self.write(steps, &writer)
            writer.line("(void)l;")
            writer.line("return \(prefix)_ok;")
        }
        return writer.text
    }

    private mutating func write(_ steps: [Step], _ out: inout TextWriter) {
        for step in steps {
            switch step {
            case .run(let kernel, let phase, let from, let to, let operands):
                run(kernel, phase, from, to, operands, &out)
            case .load(let scalar, let address, let dtype): load(scalar, address, dtype, &out)
            case .set(let scalar, let e): out.line("l->s[\(scalar)] = \(expressions.text(e));")
            case .loop(let scalar, let from, let to, let body): loop(scalar, from, to, body, &out)
            case .branch(let condition, let then, let otherwise): branch(condition, then, otherwise, &out)
            case .call(let routine, let keep): call(routine, keep, &out)
            case .stopIf(let condition): out.line("if (\(expressions.text(condition))) break;")
            case .publish(let counter, let value): publish(counter, value, &out)
            case .wait(let counter, let value): wait(counter, value, &out)
            }
        }
    }

    private mutating func run(
        _ kernel: Int, _ phase: Int, _ from: Expr, _ to: Expr, _ operands: [Address], _ out: inout TextWriter
    ) {
        let use = program.kernels[kernel]
        if let first = ProgramStepPrinter.constant(from), let last = ProgramStepPrinter.constant(to), first >= last {
            return
        }
        out.block("/* \(use.name), phase \(phase) */") { out in
            var pointers: [String] = []
            for (index, address) in operands.enumerated() {
                pointers.append(pointer(address, bytes: use.operandBytes[index], &out))
            }
            let range = tasks(from, to, count: use.phases[phase], &out)
            let list = pointers.isEmpty ? "0" : pointers.joined(separator: ", ")
            out.line("void *const p[] = {\(list)};")
            out.line("\(use.name)_\(phase)(p, \(range.first), \(range.last), l->scratch);")
        }
        runs += 1
        if runs == ProgramStepPrinter.runsPerCheck {
            runs = 0
            out.line("if (isCancelled(l)) return \(prefix)_cancelled;")
        }
    }

    /// The C of both ends of a task range, after a check that it lies in the phase.
    private mutating func tasks(
        _ from: Expr, _ to: Expr, count: Int, _ out: inout TextWriter
    ) -> (first: String, last: String) {
        let (first, last) = (expressions.text(from), expressions.text(to))
        if ProgramStepPrinter.constant(from) != nil, ProgramStepPrinter.constant(to) != nil { return (first, last) }
        out.line("const int64_t first = \(first), last = \(last);")
        out.line("if (first < 0 || first > last || last > \(count)) return \(prefix)_bad_tasks;")
        return ("first", "last")
    }

    /// The C of an address at which `bytes` are used; one that is not constant is checked first.
    private mutating func pointer(_ address: Address, bytes: Int, _ out: inout TextWriter) -> String {
        let buffer = program.buffers[address.buffer]
        if let offset = ProgramStepPrinter.constant(address.offset) { return place(buffer, plus: Int(offset)) }
        let name = newName("at")
        out.line("const int64_t \(name) = \(expressions.text(address.offset));")
        out.line("if (\(name) < 0 || \(name) > \(buffer.bytes - bytes)) return \(prefix)_bad_address;")
        return place(buffer, plus: 0) + " + \(name)"
    }

    private func place(_ buffer: ProgramBuffer, plus offset: Int) -> String {
        switch buffer.place {
        case .input(let n): return offset == 0 ? "l->in[\(n)]" : "l->in[\(n)] + \(offset)"
        case .output(let n): return offset == 0 ? "l->out[\(n)]" : "l->out[\(n)] + \(offset)"
        case .constant(let n, _): return "l->weights + \(weights.constants[n].offset + offset)"
        case .arena(let start): return "l->arena + \(start + offset)"
        }
    }

    private mutating func load(_ scalar: Int, _ address: Address, _ dtype: DType, _ out: inout TextWriter) {
        let loader = expressions.loader(dtype)
        let at = pointer(address, bytes: dtype.bytes, &out)
        out.line("l->s[\(scalar)] = \(loader)(\(at));")
    }

    private mutating func wait(_ counter: Int, _ value: Expr, _ out: inout TextWriter) {
        if let value = ProgramStepPrinter.constant(value), value <= 0 { return }
        out.block("/* counter \(counter) */") { out in
            out.line("const int status = waitFor(l, \(counter), \(self.expressions.text(value)));")
            out.line("if (status != \(self.prefix)_ok) return status;")
        }
    }

    /// A constant value was checked before; one that depends on scalars is checked where it is published.
    private mutating func publish(_ counter: Int, _ value: Expr, _ out: inout TextWriter) {
        let call = "publishAs(l, \(counter), \(expressions.text(value)))"
        if ProgramStepPrinter.constant(value) != nil {
            out.line("\(call);")
        } else {
            out.line("if (\(call) != \(prefix)_ok) return \(prefix)_bad_tasks;")
        }
    }

    private mutating func loop(
        _ scalar: Int, _ from: Expr, _ to: Expr, _ body: [Step], _ out: inout TextWriter
    ) {
        let (start, end) = (newName("start"), newName("end"))
        out.line("const int64_t \(start) = \(expressions.text(from)), \(end) = \(expressions.text(to));")
        out.block("for (l->s[\(scalar)] = \(start); l->s[\(scalar)] < \(end); l->s[\(scalar)] += 1)") { out in
            out.line("if (isCancelled(l)) return \(prefix)_cancelled;")
            self.write(body, &out)
        }
    }

    private mutating func branch(_ condition: Expr, _ then: [Step], _ otherwise: [Step], _ out: inout TextWriter) {
        out.block("if (\(expressions.text(condition)))") { self.write(then, &$0) }
        if !otherwise.isEmpty { out.block("else") { self.write(otherwise, &$0) } }
    }

    private mutating func call(_ routine: Int, _ keep: [Int], _ out: inout TextWriter) {
        let status = newName("status")
        let kept = keep.map { (scalar: $0, name: newName("kept")) }
        out.line("if (l->s[0] >= \(program.frames)) return \(prefix)_too_deep;")
        for (scalar, name) in kept { out.line("const int64_t \(name) = l->s[\(scalar)];") }
        out.line("l->s[0] += 1;")
        out.line("const int \(status) = \(ProgramStepPrinter.routineName(routine))(l);")
        out.line("if (\(status) != \(prefix)_ok) return \(status);")
        for (scalar, name) in kept { out.line("l->s[\(scalar)] = \(name);") }
        out.line("l->s[0] -= 1;")
    }

    static func routineName(_ routine: Int) -> String { "routine\(routine)Steps" }

    private mutating func newName(_ stem: String) -> String {
        names += 1
        return "\(stem)\(names)"
    }

    private static func constant(_ expr: Expr) -> Int64? {
        if case .literal(let literal) = expr { return literal.integer }
        return nil
    }
}
