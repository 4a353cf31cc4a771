// Recurrent operators.

let recurrentTable: [String: [OperatorRow]] = [
    "RNN": rows(7, RecurrentCell.rnn.family),
    "GRU": rows(7, RecurrentCell.gru.family),
    "LSTM": rows(7, RecurrentCell.lstm.family),
]
