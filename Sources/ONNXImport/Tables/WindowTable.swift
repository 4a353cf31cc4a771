// Operators that slide a window or sample at computed places: transposed convolution, pooling by norms, resizing, grids, regions.

let windowTable: [String: [OperatorRow]] = [:]
