// What can be wrong with bytes that claim to be a message. Facts here, sentences in MessageError+Message.swift.

import Basics

package enum MessageError: Error, Equatable, Sendable {
    case tooLarge(bytes: Int, limit: Int)
    case version(theirs: Int, ours: Int)
    case malformed(SyntaxError)
    /// A message that this side never receives.
    case unexpected(kind: String)
}
