// The sentences of ExportError.

import Basics
import Emit

extension ExportError {
    package var sentence: String {
        switch self {
        case .noExportName(let model):
            "no C name can be made of the model's name \"\(escaped(model, limit: 80))\"; choose one with --name"
        case .exportName(let name):
            "'\(escaped(name, limit: 80))' cannot name a library; use a lower-case letter, then letters, digits and "
                + "'_', at most 63 in all"
        case .reservedName(let name, let instead):
            "'\(name)' already means something in C or C++; choose another name, such as '\(instead)'"
        case .program(let error): error.sentence
        case .kernelMissing(let name): "the program runs kernel \(escaped(name)), and its source was not given"
        case .kernelUnknown(let name):
            "the source of kernel \(escaped(name)) was given, and the program has no such kernel"
        case .kernelTwice(let name): "the source of kernel \(escaped(name)) was given twice"
        case .flag(let flag):
            "the compiler flag \"\(escaped(flag, limit: 80))\" cannot be written into a build file; use letters, "
                + "digits and _ = + , . : / - only"
        case .vectorCount(let vector, let side, let found, let expected):
            "test vector \(vector) gives \(found) of the model's \(expected) \(side.rawValue)s; give one for each"
        case .vectorBytes(let vector, let side, let index, let found, let expected):
            "\(side.rawValue) \(index) of test vector \(vector) has \(found) bytes and the model's has \(expected)"
        case .tolerance(let relative, let absolute):
            "the tolerance \(relative) relative, \(absolute) absolute is no pair of finite numbers of at least 0"
        }
    }
}
