// TfIdfVectorizer: how often each n-gram of a table occurs in a sequence of integers, or in each row of a matrix. The
// n-grams of one length are counted by one definition, a sum over the places and the distances between elements;
// another definition takes the counts to the places of the result, and weighs them. All tables are constants.

import TensorIR

/// The most entries of the table from places of the result to n-grams.
private let placesMax = 1 << 22

/// The n-grams of one length: rows of `length` integers.
private struct NgramTable {
    var length: Int
    var elements: [Int64] = []
    /// Where in the result each row counts.
    var places: [Int] = []

    var count: Int { places.count }
}

/// The tables of the lengths that count, ascending. An n-gram that stands in a table twice counts in its last place.
private func ngramTables(_ e: Emitter) throws(NodeProblem) -> [NgramTable] {
    guard e.attribute("pool_strings")?.strings.isEmpty ?? true else { throw .unsupportedForm("n-grams of texts") }
    guard let pool = try e.wideIntegers("pool_int64s"), let starts = try e.integers("ngram_counts"),
        let places = try e.integers("ngram_indexes"), let least = try e.integer("min_gram_length"),
        let most = try e.integer("max_gram_length")
    else { throw .misfit("a node without pool_int64s, ngram_counts, ngram_indexes or a gram length") }
    guard places.allSatisfy({ $0 >= 0 }) else { throw .attribute("ngram_indexes", reason: "has an index below 0") }
    let bounds = starts + [pool.count]
    guard bounds[0] >= 0, zip(bounds, bounds.dropFirst()).allSatisfy({ $0 <= $1 }) else {
        throw .attribute("ngram_counts", reason: "is \(starts) for a pool of \(pool.count)")
    }
    var tables: [NgramTable] = []
    var next = 0
    for (n, (start, end)) in zip(bounds, bounds.dropFirst()).enumerated() {
        var table = NgramTable(length: n + 1)
        let rows = (end - start) / table.length
        guard next + rows <= places.count else {
            throw .attribute("ngram_indexes", reason: "has \(places.count) entries, and more n-grams are in the pool")
        }
        var seen: Set<[Int]> = []
        for row in (0..<rows).reversed() {
            let first = start + row * table.length
            let gram = Array(pool[first..<(first + table.length)])
            guard seen.insert(gram).inserted else { continue }
            table.elements.append(contentsOf: gram.map { Int64($0) })
            table.places.append(places[next + row])
        }
        next += rows
        if table.length >= least, table.length <= most, table.count > 0 { tables.append(table) }
    }
    return tables
}

func emitTfIdfVectorizer(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.indexOperand(0)
    let own = e.shape(x)
    guard own.count <= 2 else { throw .misfit("sequences of \(shapeText(own))") }
    let matrix = own.count == 2 ? own : [1, own.first ?? 1]
    let tables = try ngramTables(e)
    guard let skips = try e.integer("max_skip_count"), skips >= 0 else {
        throw .attribute("max_skip_count", reason: "is missing or below 0")
    }
    guard let greatest = try e.integers("ngram_indexes")?.max() else {
        throw .attribute("ngram_indexes", reason: "is empty")
    }
    let mode = try e.text("mode", default: "")
    guard ["TF", "IDF", "TFIDF"].contains(mode) else {
        throw .attribute("mode", reason: "has the unknown value \"\(mode)\"")
    }
    let size = greatest + 1
    let weights = (mode == "TF" ? nil : e.attribute("weights")?.floats).flatMap { $0.isEmpty ? nil : $0 }
    guard weights.map({ $0.count >= size }) ?? true else {
        throw .attribute("weights", reason: "has fewer than \(size) entries")
    }
    let input = try e.reshaped(try e.cast(x, to: .i64), to: matrix)
    var counts: [ValueID] = []
    for table in tables { counts.append(try ngramCounts(&e, input, table, distances: skips + 1)) }
    let found = try gathered(&e, counts, tables.flatMap(\.places), rows: matrix[0], size: size)
    let truncated = mode == "IDF" ? try e.elementwise([found], .f32) { Formula.minimum($0[0], .float(1)) } : found
    let shape = own.count == 2 ? [own[0], size] : [size]
    guard let weights else { return [try e.reshaped(truncated, to: shape)] }
    let factors = e.constant(TensorValue(TensorType(.f32, [size]), floats: weights[..<size].map { Double($0) }))
    return [try e.reshaped(try e.elementwise([truncated, factors], .f32) { $0[0] * $0[1] }, to: shape)]
}

/// `[row, n-gram]`: in how many places each n-gram of the table stands, at any of the distances between its elements.
/// A single element has no distance.
private func ngramCounts(
    _ e: inout Emitter, _ x: ValueID, _ table: NgramTable, distances: Int
) throws(NodeProblem) -> ValueID {
    let (rows, columns) = (e.shape(x)[0], e.shape(x)[1])
    let type = TensorType(.f32, [rows, table.count])
    let steps = table.length - 1
    let fitting = steps == 0 ? 1 : min(distances, (columns - 1) / steps)
    guard fitting >= 1, columns > steps else { return try e.define([], type, .map(.float(0))) }
    let grams = e.constant(TensorValue(TensorType(.i64, [table.count, table.length]), integers: table.elements))
    let out = coordinates(type.shape)
    let (place, distance) = (Expr.axis(3), Expr.axis(2) + .integer(1))
    let tests = (0..<table.length).map { n -> Expr in
        let at = n == 0 ? place : Formula.minimum(place + distance * .integer(n), .integer(columns - 1))
        let element = Expr.read(slot: 0, [out[0], at])
        return .binary(.equal, element, .read(slot: 1, [out[1], .integer(n)]))
    }
    guard let isFound = all(tests) else { preconditionFailure("an n-gram has an element") }
    let simplifier = IndexSimplifier(extents: type.shape + [fitting, columns - steps])
    let isInside = Expr.binary(.less, place + distance * .integer(steps), .integer(columns))
    return try e.define(
        [x, grams], type,
        .reduce(
            .sum, extents: [fitting, columns - steps],
            condition: fitting == 1 ? nil : simplifier.simplify(isInside),
            simplifier.simplify(.select(isFound, .float(1), .float(0)))))
}

/// `[row, place]`: the counts of the n-grams that count in each place, added.
private func gathered(
    _ e: inout Emitter, _ counts: [ValueID], _ places: [Int], rows: Int, size: Int
) throws(NodeProblem) -> ValueID {
    let type = TensorType(.f32, [rows, size])
    guard !counts.isEmpty else { return try e.define([], type, .map(.float(0))) }
    guard size <= placesMax else { throw .tooLarge(type.shape) }
    var sources = [[Int64]](repeating: [], count: size)
    for (gram, place) in places.enumerated() { sources[place].append(Int64(gram)) }
    // a place without an n-gram reads a column of zeros behind all counts
    let width = sources.map(\.count).max() ?? 1
    guard width <= placesMax / size else { throw .tooLarge([size, width]) }
    let none = try e.define([], TensorType(.f32, [rows, 1]), .map(.float(0)))
    let joined = try concatenated(&e, counts + [none], 1)
    let table = sources.flatMap { $0 + [Int64](repeating: Int64(places.count), count: width - $0.count) }
    let columns = e.constant(TensorValue(TensorType(.i64, [size, width]), integers: table))
    let out = coordinates(type.shape)
    let read = Expr.read(slot: 0, [out[0], .read(slot: 1, [out[1], width == 1 ? .integer(0) : .axis(2)])])
    return try e.define(
        [joined, columns], type,
        width == 1 ? .map(read) : .reduce(.sum, extents: [width], condition: nil, read))
}
