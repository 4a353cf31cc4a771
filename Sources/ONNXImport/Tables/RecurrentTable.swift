// Recurrent operators.

let recurrentTable: [String: [OperatorRow]] = [:]
