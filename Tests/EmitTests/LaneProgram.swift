// A program of three lanes as an executable of its own: its main runs the model many times, counts threads, and looks
// at what a run leaves behind on the calling thread. Built with any flags, such as those of the thread sanitizer.

import Glibc
import ProgramIR
import Testing

@testable import Emit

struct LaneProgram {
    private let compiler: String
    private let flags: [String]
    private let program: Program

    init(_ compiler: String, _ flags: [String] = [], _ program: Program = LaneSample.program) {
        self.compiler = compiler
        self.flags = flags
        self.program = program
    }

    /// The first compiler whose executables with the thread sanitizer run here: one may come without its library.
    static let sanitizer: String? = ["clang", "gcc"].first { compiler in
        guard let folder = try? Folder() else { return false }
        guard (try? folder.write("int main(void) { return 0; }\n", "empty.c")) != nil else { return false }
        let built = try? folder.tool([compiler, "-fsanitize=thread", "empty.c", "-o", "empty"])
        return built?.status == 0 && (try? folder.tool(["./empty"]).status) == 0
    }

    func run() throws -> (status: Int32, output: String) {
        let folder = try Folder()
        let source = try ProgramSource(program, model: ProgramSample.model, prefix: "sample")
        try folder.write(source.text, "program.c")
        try folder.write(LaneSample.kernelText, "kernels.c")
        try folder.write(programDeclarations(prefix: "sample"), "sample.h")
        try folder.write(LaneProgram.main, "main.c")
        try folder.write(
            bytes: try source.weights.file(program: source.digest, contents: [ProgramSample.constant]), "weights.bin")
        let built = try folder.tool(
            [compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"] + flags
                + ["main.c", "program.c", "kernels.c", "-o", "lanes"])
        try #require(built.status == 0, "\(built.output)")
        return try folder.tool(["./lanes"])
    }

    private static let main = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <sched.h>
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <string.h>
        #include <unistd.h>
        #include "sample.h"

        // the sanitizer starts a thread of its own together with the first one
        #if defined(__SANITIZE_THREAD__)
        enum { Sanitized = 1 };
        #elif defined(__has_feature)
        enum { Sanitized = __has_feature(thread_sanitizer) };
        #else
        enum { Sanitized = 0 };
        #endif

        static int threadCount(void) {
          DIR *folder = opendir("/proc/self/task");
          int count = 0;
          for (struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
          closedir(folder);
          return count;
        }

        static unsigned floatMode(void) {
        #if defined(__SSE__)
          return __builtin_ia32_stmxcsr() & 0x8040u;
        #else
          return 0;
        #endif
        }

        static int fail(const char *what) { return puts(what), 1; }

        int main(void) {
          static float x[64] __attribute__((aligned(64))), y[2][16] __attribute__((aligned(64)));
          static int32_t n[2] __attribute__((aligned(64))) = {25, 0};
          for (int i = 0; i < 64; i++) x[i] = (float)i;
          const void *inputs[] = {x, n};
          cpu_set_t before, after;
          sched_getaffinity(0, sizeof before, &before);
          for (int round = 0; round < 3; round++) {
            const int count = threadCount();
            sample *model;
            if (sample_create("weights.bin", &model) != sample_ok) return fail("create");
            if (threadCount() != count + 2 && !Sanitized) return fail("threads of a model");
            for (int run = 0; run < 40; run++) {
              void *outputs[] = {y[run > 0]};
              if (sample_run(model, inputs, outputs) != sample_ok) return fail("run");
              if (run > 0 && memcmp(y[0], y[1], sizeof y[0]) != 0) return fail("runs differ");
              if (run % 8 == 0) usleep(400);
            }
            if (floatMode() != 0) return fail("float mode");
            sample_destroy(model);
            // a thread that was joined leaves the list a moment later
            for (int look = 0; threadCount() > count + Sanitized && look < 1000; look++) usleep(1000);
            if (threadCount() > count + Sanitized) return fail("threads after the model");
          }
          sched_getaffinity(0, sizeof after, &after);
          if (!CPU_EQUAL(&before, &after)) return fail("affinity");
          return puts("ok"), 0;
        }

        """
}

/// A temporary folder in which tools run; removed with the last reference.
private final class Folder {
    private let path: String

    init() throws {
        var template = Array("/tmp/lanes-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit { _ = try? tool(["rm", "-rf", path]) }

    func write(_ text: String, _ name: String) throws { try write(bytes: Array(text.utf8), name) }

    func write(bytes: [UInt8], _ name: String) throws {
        let file = try #require(fopen(path + "/" + name, "wbe"), "cannot write \(name)")
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
    }

    /// Runs a program of the PATH in the folder; its exit status and everything it said.
    func tool(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let log = path + ".output"
        defer { unlink(log) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var argv = (["env", "-C", path] + arguments).map { strdup($0) } + [nil]
        defer {
            for text in argv { free(text) }
            posix_spawn_file_actions_destroy(&actions)
        }
        var child: pid_t = 0
        try #require(posix_spawnp(&child, "env", &actions, nil, &argv, environ) == 0, "env is not there")
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let file = try #require(fopen(log, "rbe"), "no output was kept")
        defer { fclose(file) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let got = fread(&buffer, 1, buffer.count, file), got > 0 { output += buffer[..<got] }
        let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
        return (code, String(decoding: output, as: UTF8.self))
    }
}
