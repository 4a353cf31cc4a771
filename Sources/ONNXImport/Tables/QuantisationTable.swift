// Quantisation: linear conversion and integer products.

let quantisationTable: [String: [OperatorRow]] = [:]
