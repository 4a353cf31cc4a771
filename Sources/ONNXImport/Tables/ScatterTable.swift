// Operators that write into a copy of a tensor at computed places.

let scatterTable: [String: [OperatorRow]] = [:]
