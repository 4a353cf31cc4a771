// Recurrent operators.

let recurrentTable: [String: [OperatorRow]] = [
    "RNN": rows(1, RecurrentCell.rnn.family),
    "GRU": rows(1, RecurrentCell.gru.family),
    "LSTM": rows(1, RecurrentCell.lstm.family),
]
