// Attention in its variants, rotary embeddings, and products by Einstein's sum.

let attentionTable: [String: [OperatorRow]] = [:]
