// Delta debugging (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input): the fewest items with which
// a test still fails. Input: items and a test. Output: a part of the items, in their order, from which no single item
// can be left out, unless the test's own limit came first.

/// The fewest of `items` for which `fails` holds; it holds for all of them.
/// - Complexity: between log n and n² tests.
func fewest<Item, Failure: Error>(
    _ items: [Item], _ fails: ([Item]) throws(Failure) -> Bool
) throws(Failure) -> [Item] {
    var items = items
    var parts = 2
    while items.count >= 2 {
        let chunks = split(items, parts)
        if let chunk = try first(chunks, fails) {
            items = chunk
            parts = 2
            continue
        }
        // with two parts, the rest of one is the other
        let rests =
            parts > 2 ? chunks.indices.map { n in chunks.indices.filter { $0 != n }.flatMap { chunks[$0] } } : []
        if let rest = try first(rests, fails) {
            items = rest
            parts = max(parts - 1, 2)
            continue
        }
        if parts >= items.count { break }
        parts = min(2 * parts, items.count)
    }
    return items
}

private func first<Item, Failure: Error>(
    _ candidates: [[Item]], _ fails: ([Item]) throws(Failure) -> Bool
) throws(Failure) -> [Item]? {
    for candidate in candidates where try fails(candidate) { return candidate }
    return nil
}

/// `items` in `count` parts of nearly one length.
private func split<Item>(_ items: [Item], _ count: Int) -> [[Item]] {
    (0..<count).map { n in Array(items[(items.count * n / count)..<(items.count * (n + 1) / count)]) }
}
