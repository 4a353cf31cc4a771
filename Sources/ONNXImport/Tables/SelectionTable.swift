// Operators whose result's place or size depends on data: sorting, non-zero elements, selection.

let selectionTable: [String: [OperatorRow]] = [
    "TopK": rows(1, emitTopK),
    "Compress": rows(9, emitCompress),
    "NonZero": rows(9, emitNonZero),
    "Unique": rows(11, emitUnique),
    "NonMaxSuppression": rows(10, emitNonMaxSuppression),
]
