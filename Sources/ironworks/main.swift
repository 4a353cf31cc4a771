// The executable. As `measure-child` it is the sandboxed child that runs candidates: that part is C and must be
// entered before any Swift thread exists. Everything else is a command.

import CSystem
import Commands
import Glibc

if CommandLine.argc > 1, let word = CommandLine.unsafeArgv[1], strcmp(word, "measure-child") == 0 {
    exit(iw_child_main(CommandLine.argc, CommandLine.unsafeArgv))
}
Ironworks.main()
