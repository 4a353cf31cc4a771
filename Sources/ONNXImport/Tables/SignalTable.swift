// Signal processing: windows, Fourier transforms, spectra.

let signalTable: [String: [OperatorRow]] = [:]
