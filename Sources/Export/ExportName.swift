// The name of a library: the prefix of its symbols, its type in C, its files, its Python module. It is made from the
// model's name, which may be any text, and has to be new to every language that will see it.

import Emit

/// A name `[a-z][a-z0-9_]{0,62}` made from a model's name: letters in lower case, every run of other characters one
/// `_`; `m_` goes before a digit, `_model` behind a word that C, C++, Python or the C library uses.
/// - Throws: `noExportName` when the name has no ASCII letter or digit.
package func exportName(from modelName: String) throws(ExportError) -> String {
    var out: [UInt8] = []
    for byte in modelName.utf8 {
        switch byte {
        case 0x30...0x39, 0x61...0x7a: out.append(byte)
        case 0x41...0x5a: out.append(byte + 0x20)
        default: if let last = out.last, last != underscore { out.append(underscore) }
        }
    }
    while out.last == underscore { out.removeLast() }
    guard let first = out.first else { throw .noExportName(model: modelName) }
    if first < 0x61 { out.insert(contentsOf: Array("m_".utf8), at: 0) }
    out = Array(out.prefix(63))
    while out.last == underscore { out.removeLast() }
    let name = String(decoding: out, as: UTF8.self)
    return isReserved(name) ? withSuffix(name) : name
}

/// Checks a name that a person chose.
/// - Throws: `exportName` or `reservedName`.
package func checkExportName(_ name: String) throws(ExportError) {
    guard isExportName(name) else { throw .exportName(name) }
    guard !isReserved(name) else { throw .reservedName(name, instead: withSuffix(name)) }
}

private func withSuffix(_ name: String) -> String { name.prefix(57) + "_model" }

private let underscore = UInt8(ascii: "_")

private func isReserved(_ name: String) -> Bool { reserved.contains(name) || name.hasSuffix("_t") }

/// Keywords and predefined macros of C, C++ and Python; functions of the C library that every program sees; first
/// words of its families `X_create`, `X_destroy`, `X_cancel`; modules that the Python binding would hide.
private let reserved = Set(
    """
    alignas alignof and and_eq asm atomic auto bitand bitor bool break case catch char class compl concept const
    consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum explicit export
    extern false far final float for friend goto if import inline int long module mutable namespace near new noexcept
    not not_eq nullptr operator or or_eq override private protected public register reinterpret_cast requires restrict
    return short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try
    typedef typeid typename typeof union unsigned using virtual void volatile while xor xor_eq
    as assert async await def del elif except finally from global in is lambda nonlocal pass raise with yield
    linux unix i386 complex errno stdin stdout stderr environ main offsetof setjmp longjmp
    abort abs accept access acos acosh alarm alloca asin asinh atan atan2 atanh atof atoi atol atoll bcmp bcopy bind brk
    bsearch bzero calloc cbrt ceil chdir chmod chown chroot clearerr clock close confstr connect copysign cos cosh creat
    crypt ctermid daemon div drem dup dup2 dup3 encrypt endpwent erf erfc execl execle execlp execv execve execvp exit
    exp exp10 exp2 expm1 fabs fchdir fchmod fchown fclose fcntl fdim fdopen feof ferror fexecve fflush fgetc fgets
    fileno floor fma fmax fmin fmod fopen fork fprintf fputc fputs fread free freopen frexp fscanf fseek fstat fsync
    ftell ftruncate fwrite gamma getc getchar getcwd getenv getline getopt getpid gets hypot ilogb index initstate
    ioctl isatty j0 j1 jn kill labs ldexp ldiv lgamma link listen llabs lldiv log log10 log1p log2 logb lrint lround
    lseek lstat madvise malloc mblen memccpy memchr memcmp memcpy memmem memmove mempcpy memset mincore mkdir mkdtemp
    mkfifo mknod mkstemp mktemp mlock mmap modf mprotect mremap msync munlock munmap nan nearbyint nextafter nice open
    openat optarg pause pclose perror pipe poll popen pow pow10 pread printf psignal pthread putc putchar putenv puts
    pwrite qsort raise rand random read readlink realloc realpath recv remainder remove remquo rename rewind rindex rint
    rmdir round scalb scanf select send setbuf setenv setsid setstate shutdown signal significand sin sincos sinh sleep
    socket sprintf sqrt srand srandom sscanf stat strcat strchr strcmp strcoll strcpy strcspn strdup strerror strlen
    strncat strncmp strncpy strpbrk strsep strspn strstr strtod strtof strtok strtol swab symlink sync syscall sysconf
    system tan tanh tempnam tgamma time times tmpfile tmpnam truncate trunc ttyname uname ungetc unlink unsetenv usleep
    utime vfork wait waitpid write y0 y1 yn
    aio timer sem mq shm thrd mtx cnd tss pthread_attr pthread_barrier pthread_cond pthread_key pthread_mutex
    pthread_rwlock pthread_spin posix_spawn sigaction
    abc argparse array ast base64 bisect builtins cmath code codecs collections contextlib copy copyreg csv ctypes
    datetime decimal dis fnmatch fractions functools gc glob hashlib heapq inspect io itertools json keyword locale
    logging math numbers numpy operator os pathlib pickle platform queue re secrets shutil site statistics string
    subprocess sys textwrap threading token tokenize traceback types typing warnings weakref zipfile
    """.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init))
