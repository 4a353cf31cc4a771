// Operators whose result's place or size depends on data: sorting, non-zero elements, selection.

let selectionTable: [String: [OperatorRow]] = [:]
