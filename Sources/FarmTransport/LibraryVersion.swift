// Which libzmq this process runs with, for `doctor`.

import CZeroMQ

/// Version of the message queue library that is loaded, such as `4.3.4`.
package func queueLibraryVersion() -> String {
    var (major, minor, patch) = (Int32(0), Int32(0), Int32(0))
    zmq_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
}
