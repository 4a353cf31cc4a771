// Scalar functions, bit operators, losses, and tensors made from numbers alone.

let scalarTable: [String: [OperatorRow]] = [:]
