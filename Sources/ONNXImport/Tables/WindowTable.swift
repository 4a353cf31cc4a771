// Operators that slide a window or sample at computed places: transposed convolution, pooling by norms, resizing,
// grids, regions.

let windowTable: [String: [OperatorRow]] = [
    // windows
    "ConvTranspose": rows(1, emitTransposedConvolution),
    "Col2Im": rows(18, emitColumnsToImage),
    "LpPool": rows(1, emitNormPool),
    "GlobalLpPool": rows(1, emitGlobalNormPool),
    "MaxUnpool": rows(9, emitMaxUnpool),

    // resizing
    "Resize": rows(10, emitResize),
    "Upsample": [OperatorRow(versions: 1...9, family: emitUpsample)],

    // computed places
    "GridSample": rows(16, emitGridSample),
    "AffineGrid": rows(20, emitAffineGrid),
    "RoiAlign": rows(10, emitRegionAlign),
    "MaxRoiPool": rows(1, emitMaxRegionPool),
    "DeformConv": rows(19, emitDeformableConvolution),
]
