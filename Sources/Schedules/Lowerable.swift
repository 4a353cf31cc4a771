// Whether some template takes a workload under an interface: asked before anything is constructed for it.

import TensorIR

extension Workload {
    package func isLowerable(_ interface: Interface) -> Bool {
        guard interface.fits(self), case .success(let structure) = structure(interface) else { return false }
        if interface.isRowMajor { return true }
        switch structure {
        case .contraction(let c):
            return !sourcesOfA(self, c, interface).isEmpty
                && !sourcesOfB(self, c, interface, microColumns: 16).isEmpty
                && hasTiles(c, interface)
        case .rows: return false
        case .reduction:
            // vectors along channels, or one result that all channels go into
            return vectorAxis(interface) != nil
        case .maps(let maps):
            switch definitions[maps.stored].body {
            case .map: return true
            case .pieces: return vectorAxis(interface) != nil
            case .reduce: return false
            }
        }
    }

    private func hasTiles(_ c: Contraction, _ interface: Interface) -> Bool {
        guard let a = sourcesOfA(self, c, interface).first,
            let b = sourcesOfB(self, c, interface, microColumns: 16).first
        else { return false }
        return [nil, 1].contains { lines in
            let nest = ContractionNest(
                microLines: lines, microRows: 1, microColumns: 16, taskRowTiles: 1, taskColumns: 16, depth: 1, a: a,
                b: b)
            return (lines == nil || !c.rows.isEmpty) && tile(c, nest, interface) != nil
        }
    }
}
