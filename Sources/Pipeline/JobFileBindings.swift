// Bindings with variants: a name and one or several extents or shapes, from `bindings:` in a job or from `--bind`.
// Output: the cross product as concrete Bindings, each with the suffix that tells its model from the others.

import Basics
import ONNXImport

package struct JobBinding: Sendable, Hashable {
    package enum Value: Sendable, Hashable {
        /// A dimension by its symbol, or an input of rank 1 by its name.
        case extent(Int)
        /// An input by its name.
        case shape([Int])

        /// Parses `8` or `1x3x48x192`; extents are 1 to 2^31 - 1. `nil` for anything else.
        init?(_ text: some StringProtocol) {
            var extents: [Int] = []
            for part in text.split(separator: "x", omittingEmptySubsequences: false) {
                guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let extent = Int32(part), extent > 0 else {
                    return nil
                }
                extents.append(Int(extent))
            }
            self = extents.count == 1 ? .extent(extents[0]) : .shape(extents)
        }

        /// As it is written.
        package var text: String {
            switch self {
            case .extent(let extent): String(extent)
            case .shape(let extents): extents.map(String.init).joined(separator: "x")
            }
        }
    }

    package var name: String
    /// At least one; several are several variants of the model.
    package var values: [Value]

    package init(name: String, values: [Value]) {
        precondition(!values.isEmpty, "a binding has a value")
        self.name = name
        self.values = values
    }

    /// Parses `NAME=N[,N…]` or `NAME=1x3x48x192`, as it follows `--bind`.
    /// - Throws: `bindingOption`, `repeated`, `tooMany`.
    package init(parsing text: String) throws(JobFileError) {
        guard let equals = text.lastIndex(of: "="), equals > text.startIndex else { throw .bindingOption(text: text) }
        name = String(text[..<equals])
        values = []
        for part in text[text.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: false) {
            guard let value = Value(part) else { throw .bindingOption(text: text) }
            values.append(value)
        }
        try check(.option("--bind \(name)"))
    }

    /// Parses all `--bind` of a command line.
    /// - Throws: what `init(parsing:)` throws, and `repeated` for a name that stands twice.
    package static func list(parsing texts: [String]) throws(JobFileError) -> [JobBinding] {
        var out: [JobBinding] = []
        for text in texts {
            let binding = try JobBinding(parsing: text)
            if out.contains(where: { $0.name == binding.name }) {
                throw .repeated(.option("--bind"), value: binding.name)
            }
            out.append(binding)
        }
        return out
    }

    fileprivate func check(_ place: JobPlace) throws(JobFileError) {
        guard values.count <= JobFile.variantsMax else {
            throw .tooMany(place, .values, count: values.count, limit: JobFile.variantsMax)
        }
        for (index, value) in values.enumerated() where values[..<index].contains(value) {
            throw .repeated(place, value: value.text)
        }
    }
}

/// Reads the mapping under `bindings`.
func parseBindings(_ node: JobNode) throws(JobFileError) -> [JobBinding] {
    var out: [JobBinding] = []
    for entry in try node.entries(.bindings) {
        let items: [JobNode]
        switch entry.value.found {
        case .list: items = try entry.value.list(of: "extents")
        case .text: items = [entry.value]
        case .nothing, .emptyList, .mapping: throw entry.value.wrong(.bindingValue)
        }
        guard items.count <= JobFile.variantsMax else {
            throw .tooMany(entry.value.place, .values, count: items.count, limit: JobFile.variantsMax)
        }
        var values: [JobBinding.Value] = []
        for item in items {
            guard let value = JobBinding.Value(try item.text(.bindingValue)) else { throw item.wrong(.bindingValue) }
            values.append(value)
        }
        let binding = JobBinding(name: entry.key, values: values)
        try binding.check(entry.value.place)
        out.append(binding)
    }
    return out
}

/// Concrete bindings and what to append to the model's name: nothing where no binding has several values.
struct BindingVariant: Hashable {
    var bindings = Bindings()
    var suffix = ""
}

/// Every choice of one value per binding; the last binding changes fastest. `nil` when there are more than the limit.
func variants(_ bindings: [JobBinding]) -> [BindingVariant]? {
    var out = [BindingVariant()]
    for binding in bindings {
        guard out.count * binding.values.count <= JobFile.variantsMax else { return nil }
        out = out.flatMap { variant in
            binding.values.map { value in
                var variant = variant
                switch value {
                case .extent(let extent): variant.bindings.symbols[binding.name] = extent
                case .shape(let shape): variant.bindings.shapes[binding.name] = shape
                }
                if binding.values.count > 1 { variant.suffix += "-" + safeName(binding.name) + value.text }
                return variant
            }
        }
    }
    return out
}
