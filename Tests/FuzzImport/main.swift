// The importer's fuzzer, a program of its own. It runs cases in children of itself, so that a trap, a hang or too much
// memory ends a child and is written down; see Tests/Fuzz/README.md.

import ArgumentParser

Fuzz.main()
