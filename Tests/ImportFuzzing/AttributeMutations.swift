// Mutations of attributes: dropped, repeated, renamed, of another type, with values at the edges, lists of any length.
// Input: a node or an attribute, and a generator. Output: the changed one. Names are those that operators know, so
// that a changed attribute is also read.

import Basics
import ONNXImport

private let attributeNames = [
    "axis", "axes", "perm", "to", "kernel_shape", "strides", "pads", "dilations", "group", "mode", "keepdims", "alpha",
    "beta", "gamma", "epsilon", "auto_pad", "ceil_mode", "blocksize", "shape", "value", "value_ints", "value_int",
    "value_float", "num_outputs", "split", "starts", "ends", "scales", "hidden_size", "direction", "activations",
    "num_heads", "kv_num_heads", "k", "batch_dims", "size", "equation", "num_scan_inputs", "scan_input_axes",
    "scan_output_axes", "body", "then_branch", "else_branch", "block_size", "bits", "K", "N", "output_shape",
    "output_padding", "seed", "sample_size", "dtype", "start", "end", "select_last_index", "exclusive", "reverse",
    "transA", "transB", "p", "coordinate_transformation_mode", "nearest_mode", "antialias", "cubic_coeff_a",
    "sampling_ratio", "spatial_scale", "output_height", "noop_with_empty_axes", "onesided", "stash_type", "layout",
]

private let attributeTexts = [
    "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "linear", "cubic", "nearest", "reflect", "edge", "wrap", "constant",
    "bidirectional", "reverse", "forward", "Tanh", "Affine", "ij,jk->ik", "...i,i...->...", "iiiiiiiiiiiiiiiii->i",
    "ab,cd,ef,gh,ij,kl,mn,op->abcdefghijklmnop", "half_pixel", "tf_crop_and_resize", "CRD", "max", "add", "none",
]

func dropAttribute(_ node: inout ModelNode, _ random: inout SeededRandom) {
    guard let at = random.index(node.attribute) else { return }
    node.attribute.remove(at: at)
}

func duplicateAttribute(_ node: inout ModelNode, _ random: inout SeededRandom) {
    guard let at = random.index(node.attribute) else { return }
    node.attribute.append(node.attribute[at])
}

func addAttribute(_ node: inout ModelNode, _ random: inout SeededRandom) {
    node.attribute.append(commonAttribute(&random))
}

/// A name that operators know, with a value of any kind.
func commonAttribute(_ random: inout SeededRandom) -> ModelAttribute {
    var attribute = ModelAttribute()
    attribute.name = random.pick(attributeNames)
    attribute.type = random.pick([.int, .ints, .float, .floats, .string, .strings, .tensor])
    extremeValue(&attribute, &random)
    return attribute
}

/// Another value of the attribute's own type.
func extremeValue(_ attribute: inout ModelAttribute, _ random: inout SeededRandom) {
    switch attribute.type {
    case .int: attribute.i = random.integer()
    case .float: attribute.f = random.float()
    case .string: attribute.s = data(random.once(in: 4) ? random.text() : random.pick(attributeTexts))
    case .ints:
        guard let at = random.index(attribute.ints) else {
            attribute.ints = (0..<random.length()).map { _ in random.integer() }
            return
        }
        attribute.ints[at] = random.integer()
    case .floats:
        guard let at = random.index(attribute.floats) else {
            attribute.floats = (0..<random.length()).map { _ in random.float() }
            return
        }
        attribute.floats[at] = random.float()
    case .strings:
        guard let at = random.index(attribute.strings) else {
            attribute.strings = (0..<random.below(4)).map { _ in data(random.pick(attributeTexts)) }
            return
        }
        attribute.strings[at] = data(random.once(in: 2) ? random.text() : random.pick(attributeTexts))
    case .tensor:
        random.once(in: 2) ? changeDimensions(&attribute.t, &random) : extremeElements(&attribute.t, &random)
    case .undefined, .graph, .tensors, .graphs, .sparseTensor, .sparseTensors, .typeProto, .typeProtos, .UNRECOGNIZED:
        attribute.i = random.integer()
        attribute.ints = [random.integer()]
    }
}

/// A longer or shorter list, or an empty text.
func changeLength(_ attribute: inout ModelAttribute, _ random: inout SeededRandom) {
    let length = random.length()
    if !attribute.ints.isEmpty {
        attribute.ints = resized(attribute.ints, length)
    } else if !attribute.floats.isEmpty {
        attribute.floats = resized(attribute.floats, length)
    } else if !attribute.strings.isEmpty {
        attribute.strings = resized(attribute.strings, length)
    } else if attribute.hasG, let at = random.index(attribute.g.node) {
        attribute.g.node.remove(at: at)
    } else {
        attribute.s = data(String(repeating: "a", count: length))
    }
}

private func resized<Element>(_ list: [Element], _ length: Int) -> [Element] {
    (0..<length).map { list[$0 % list.count] }
}

/// Only the number that says the type, or the type with a value.
func changeAttributeType(_ attribute: inout ModelAttribute, _ random: inout SeededRandom) {
    attribute.type = random.pick([
        .undefined, .int, .ints, .float, .floats, .string, .strings, .tensor, .graph, .tensors, .graphs, .sparseTensor,
        .UNRECOGNIZED(99),
    ])
    if random.once(in: 2) { extremeValue(&attribute, &random) }
}

func renameAttribute(_ attribute: inout ModelAttribute, _ random: inout SeededRandom) {
    attribute.name = random.once(in: 8) ? random.text() : random.pick(attributeNames)
}

func referToAttribute(_ attribute: inout ModelAttribute, _ random: inout SeededRandom) {
    attribute.refAttrName = random.once(in: 3) ? attribute.name : random.pick(attributeNames + [random.text()])
}

/// A byte field from bytes; `Data` is one such collection.
func data<Bytes: RangeReplaceableCollection<UInt8>>(_ bytes: some Sequence<UInt8>) -> Bytes { Bytes(bytes) }

func data<Bytes: RangeReplaceableCollection<UInt8>>(_ text: String) -> Bytes { Bytes(text.utf8) }
