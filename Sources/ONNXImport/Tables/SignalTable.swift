// Signal processing: windows, Fourier transforms, spectra.

let signalTable: [String: [OperatorRow]] = [
    "DFT": rows(17, emitDFT),
    "STFT": rows(17, emitSTFT),
    "HannWindow": rows(17, cosineWindow(0.5, -0.5)),
    "HammingWindow": rows(17, cosineWindow(25.0 / 46, 25.0 / 46 - 1)),
    "BlackmanWindow": rows(17, cosineWindow(0.42, -0.5, 0.08)),
    "MelWeightMatrix": rows(17, emitMelWeightMatrix),
]
