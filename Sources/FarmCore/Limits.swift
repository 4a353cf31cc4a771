// Every number of the farm, with its unit. Times are from one table of defaults that other batch farms agree on within
// a factor of two; sizes bound memory whatever a peer does.

import Basics

package enum FarmTiming {
    /// How often a worker speaks when it has nothing to say; any message counts.
    package static let heartbeat = Tick.Span.seconds(2)
    /// Bounds of what a coordinator may ask for instead.
    package static let syncMin = Tick.Span.milliseconds(100)
    package static let syncMax = Tick.Span.seconds(4)
    /// Silence after which a worker gets no new work, and after which a worker looks for its coordinator.
    package static let suspectAfter = Tick.Span.seconds(6)
    /// Silence after which leases are lost.
    package static let lease = Tick.Span.seconds(15)
    /// How long a new epoch adopts leases of an old one.
    package static let adoption = Tick.Span.seconds(60)
    /// A grant is repeated when the worker has not mentioned it for this long.
    package static let regrantAfter = Tick.Span.seconds(1)
    /// A fact or an end is repeated when it was not acknowledged for this long.
    package static let resendAfter = Tick.Span.seconds(2)
    /// The longest a fact waits for company before it is sent.
    package static let factDelayMax = Tick.Span.milliseconds(250)
    /// After a failed write: between two attempts, and between two lines about it.
    package static let persistRetry = Tick.Span.seconds(5)
    package static let persistNote = Tick.Span.seconds(10)
    /// How long a drain may take before the farm stops anyway.
    package static let drain = Tick.Span.seconds(25)
    /// How long a finished coordinator waits for its workers to say goodbye.
    package static let goodbye = Tick.Span.seconds(5)
    /// First and last delay between reconnections.
    package static let reconnectMin = Tick.Span.milliseconds(500)
    package static let reconnectMax = Tick.Span.seconds(32)
    /// First and last delay after a message could not be sent.
    package static let sendRetryMin = Tick.Span.milliseconds(20)
    package static let sendRetryMax = Tick.Span.seconds(1)
}

package enum FarmLimits {
    package static let protocolVersion = 1
    package static let messageBytesMax = 16 << 20
    package static let unitBytesMax = 8 << 20
    package static let factBytesMax = 1 << 20
    package static let jobBytesMax = 8 << 20
    package static let hintBytesMax = 1 << 20
    /// Grants of one message stop before this many bytes of bodies.
    package static let grantBytesMax = 6 << 20
    /// Facts of one message.
    package static let syncFactsMax = 256
    package static let syncBytesMax = 4 << 20
    package static let unsentFactsMax = 64
    /// Facts that wait for the disk; beyond it new ones are left with their workers.
    package static let pendingBytesMax = 64 << 20
    /// Facts that a worker keeps; beyond it no further unit starts.
    package static let spoolBytesMax = 64 << 20
    /// Hand-outs of a unit within one epoch that brought nothing.
    package static let futileMax = 16
    package static let probationScore = 6
    package static let parkScore = 8
    package static let failuresMax = 3
    /// Processes of a worker that are remembered.
    package static let historyMax = 8
    /// Capabilities, holdings and names in one message.
    package static let listMax = 65_536
}
