// Sequences of tensors inside of a model.

let sequenceTable: [String: [OperatorRow]] = [
    "SequenceEmpty": rows(11, emitSequenceEmpty),
    "SequenceConstruct": rows(11, emitSequenceConstruct),
    "SequenceLength": rows(11, emitSequenceLength),
    "SequenceAt": rows(11, emitSequenceAt),
    "SequenceInsert": rows(11, emitSequenceInsert),
    "SequenceErase": rows(11, emitSequenceErase),
    "SplitToSequence": rows(11, emitSplitToSequence),
    "ConcatFromSequence": rows(11, emitConcatFromSequence),
]
