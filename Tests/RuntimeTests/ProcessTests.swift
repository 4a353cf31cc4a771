// Children: what they see, how they are stopped, and that none outlives its parent.
// Two tests build small C programs from the process code of CSystem, because what they show (death of a parent, the
// lifeline) cannot be shown inside the test's own process.

import Basics
import CSystem
import Glibc
import Testing

@testable import Runtime

/// Builds a C program from the process code of CSystem and `text`.
private func program(_ folder: TestFolder, _ text: String) throws -> String {
    let sources = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/Sources/CSystem"
    try Folder.write(Array(text.utf8), to: folder.path + "/main.c")
    let toolchain = try #require(testToolchains.first)
    let built = try runTool(
        toolchain.path,
        ["-D_GNU_SOURCE", "-I", sources + "/include", "-o", folder.path + "/program", folder.path + "/main.c"]
            + [sources + "/process.c"],
        environment: Toolchain.environment(environmentPath()), wallMs: 60_000)
    try #require(built.succeeded, "\(built.output)")
    return folder.path + "/program"
}

@Test func theLifelineKillsTheWholeGroupWhenTheParentIsGone() throws {
    let folder = try TestFolder()
    let path = try program(
        folder,
        """
        #include <csystem_process.h>
        #include <unistd.h>
        int main(void) {
          if (iw_lifeline_start(3) != 0) return 1;
          for (;;) pause();
        }

        """)
    var ends: [Int32] = [-1, -1]
    #expect(iw_pipe(&ends) == 0)
    var options = ChildProcess.Options()
    options.descriptors = [(ends[0], 3)]
    let child = try ChildProcess.start(path, arguments: [], environment: [], options)
    close(ends[0])
    #expect(child.wait(timeoutMs: 100) == nil, "it lives while the lifeline holds")
    close(ends[1])
    #expect(child.wait(timeoutMs: 10_000)?.end == .signalled(SIGKILL))
}

@Test func aChildDiesWithTheParentThatStartedIt() throws {
    let folder = try TestFolder()
    let path = try program(
        folder,
        """
        #include <csystem_process.h>
        #include <stdio.h>
        int main(void) {
          char *const argv[] = {"sleep", "600", 0}, *const envp[] = {0};
          iw_spawn_request request = {.path = "/bin/sleep", .argv = argv, .envp = envp,
                                      .flags = IW_SPAWN_GROUP | IW_SPAWN_DEATH_SIGNAL | IW_SPAWN_CLOSE_OTHERS};
          iw_fd_move moves[] = {{0, 1}, {0, 2}};
          request.moves = moves;
          request.move_count = 2;
          iw_child child;
          if (iw_spawn_child(&request, &child) != 0) return 1;
          printf("%d", child.pid);
          return 0;
        }

        """)
    let result = try runTool(path, [], environment: [], wallMs: 10_000)
    #expect(result.end == .exited(0))
    let grandchild = try #require(Int32(result.output))
    let descriptor = iw_pidfd(grandchild)
    guard descriptor >= 0 else {
        #expect(descriptor == -ESRCH)
        return
    }
    #expect(iw_wait_readable(descriptor, 10_000) == 0, "it ended without anybody killing it")
    close(descriptor)
}

@Test func aChildSeesOnlyTheDescriptorsItWasGiven() throws {
    let extra = open("/dev/null", O_RDONLY)  // not close-on-exec
    defer { close(extra) }
    var ends: [Int32] = [-1, -1]
    #expect(iw_pipe(&ends) == 0)
    var options = ChildProcess.Options()
    options.descriptors = [(ends[1], 1), (ends[0], 5), (extra, 3)]
    let child = try ChildProcess.start(
        "/bin/sh", arguments: ["-c", "cd /proc/self/fd; echo *"], environment: [], options)
    close(ends[1])
    var buffer = [UInt8](repeating: 0, count: 256)
    let got = read(ends[0], &buffer, buffer.count)
    close(ends[0])
    #expect(child.wait(timeoutMs: 10_000)?.end == .exited(0))
    let seen = String(decoding: buffer[..<max(0, got)], as: UTF8.self).split(whereSeparator: \.isWhitespace)
    #expect(Set(seen).isSuperset(of: ["0", "1", "2", "3", "5"]))
    #expect(seen.count <= 6, "\(seen): at most the folder itself beside them")
}

@Test func aToolIsStoppedWhenItsTimeIsOver() throws {
    let result = try runTool("/bin/sleep", ["60"], environment: [], wallMs: 100)
    #expect(result.end == nil)
    let told = try runTool("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"], environment: [], wallMs: 10_000)
    #expect(told.end == .exited(3))
    #expect(told.output == "out\nerr\n")
}

@Test func aToolThatCannotBeStartedIsAnError() {
    #expect(throws: RuntimeError.notStarted(path: "/no/such/tool", code: ENOENT)) {
        try runTool("/no/such/tool", [], environment: [], wallMs: 1_000)
    }
}

@Test func aToolStopsAtItsProcessorLimit() throws {
    var options = ChildProcess.Options()
    options.cpuSecondsMax = 1
    let result = try runTool(
        "/bin/sh", ["-c", "while :; do :; done"], environment: [], options: options, wallMs: 20_000)
    #expect(result.end == .signalled(SIGXCPU) || result.end == .signalled(SIGKILL))
}
