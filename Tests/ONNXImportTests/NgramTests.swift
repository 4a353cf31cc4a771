// TfIdfVectorizer: counts of single integers and pairs at several distances, in sequences and in rows, with and without
// weights. The table has the singles 2, 3, 5, 4 and the pairs 5 6, 7 8, 6 7.

import TensorIR
import Testing

@testable import ONNXImport

private let sequence = integers([12], [1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8], .i32)

private func vectorizer(
    least: Int64 = 1, skips: Int64 = 0, mode: String = "TF", pool: [Int64] = [2, 3, 5, 4, 5, 6, 7, 8, 6, 7],
    counts: [Int64] = [0, 4], places: [Int64] = [0, 1, 2, 3, 4, 5, 6]
) -> [Ironworks_Onnx_AttributeProto] {
    [
        attribute("mode", mode), attribute("min_gram_length", least), attribute("max_gram_length", Int64(2)),
        attribute("max_skip_count", skips), attribute("ngram_counts", counts), attribute("ngram_indexes", places),
        attribute("pool_int64s", pool),
    ]
}

private func counted(
    _ attributes: [Ironworks_Onnx_AttributeProto], in x: TensorValue = sequence
) throws -> TensorValue { try evaluate("TfIdfVectorizer", [x], attributes)[0] }

@Test func ngramsAreCountedAtAllDistances() throws {
    #expect(try counted(vectorizer(least: 2)) == floats([7], [0, 0, 0, 0, 1, 1, 1]))
    #expect(try counted(vectorizer(least: 2, skips: 5)) == floats([7], [0, 0, 0, 0, 1, 3, 1]))
    // single integers have no distance and count once
    #expect(try counted(vectorizer(skips: 5)) == floats([7], [0, 3, 1, 0, 1, 3, 1]))
    let none = vectorizer(least: 2, pool: [5, 6, 7, 8, 6, 7], counts: [0, 0], places: [0, 1, 2])
    #expect(try counted(none) == floats([3], [1, 1, 1]))
}

@Test func everyRowIsASequence() throws {
    let rows = integers([2, 6], sequence.literals.map(\.integer))
    let found = try counted(vectorizer(skips: 5), in: rows)
    #expect(found == floats([2, 7], [0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1]))
    // too short for a pair
    #expect(try counted(vectorizer(skips: 9), in: integers([1], [3])) == floats([7], [0, 1, 0, 0, 0, 0, 0]))
}

@Test func weightsScaleCountsOrPresence() throws {
    let weights = attribute("weights", floats: [1, 2, 3, 4, 5, 6, 7])
    #expect(try counted(vectorizer(skips: 5, mode: "IDF")) == floats([7], [0, 1, 1, 0, 1, 1, 1]))
    #expect(try counted(vectorizer(skips: 5, mode: "IDF") + [weights]) == floats([7], [0, 2, 3, 0, 5, 6, 7]))
    #expect(try counted(vectorizer(skips: 5, mode: "TFIDF") + [weights]) == floats([7], [0, 6, 3, 0, 5, 18, 7]))
    #expect(try counted(vectorizer(skips: 5) + [weights]) == floats([7], [0, 3, 1, 0, 1, 3, 1]))
}

@Test func placesMayBeSharedOrEmpty() throws {
    let shared = vectorizer(skips: 5, places: [8, 1, 1, 8, 1, 8, 8])
    #expect(try counted(shared) == floats([9], [0, 5, 0, 0, 0, 0, 0, 0, 4]))
    // an n-gram that stands in the table twice counts in its last place
    let twice = vectorizer(pool: [3, 3], counts: [0, 2], places: [0, 1])
    #expect(try counted(twice) == floats([2], [0, 3]))
}

@Test func tablesThatDoNotFitAreRefused() throws {
    func refusal(_ attributes: [Ironworks_Onnx_AttributeProto]) -> String {
        sentence { _ = try importModel(try oneNode("TfIdfVectorizer", [sequence], attributes).file()) }
    }
    #expect(refusal(vectorizer(counts: [0, 40])).contains("for a pool of 10"))
    #expect(refusal(vectorizer(places: [0, 1])).contains("has 2 entries, and more n-grams are in the pool"))
    #expect(refusal(vectorizer(places: [0, 1, 2, 3, 4, 5, -6])).contains("an index below 0"))
    #expect(refusal(vectorizer(mode: "BM25")).contains("the unknown value \"BM25\""))
    let texts = vectorizer() + [attribute("pool_strings", texts: ["a"])]
    #expect(refusal(texts).contains("n-grams of texts"))
    let huge = vectorizer(places: [0, 1, 2, 3, 4, 5, 2_000_000_000])
    #expect(refusal(huge).contains("m.onnx"))
}
