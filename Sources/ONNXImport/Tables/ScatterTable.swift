// Operators that write into a copy of a tensor at computed places.

let scatterTable: [String: [OperatorRow]] = [
    "Scatter": rows(9, emitScatterElements),
    "ScatterElements": rows(11, emitScatterElements),
    "ScatterND": rows(11, emitScatterND),
]
