// The C interface of a printed program: one list of declarations, which stands in the program's own C and in the
// header that a bundle ships, so that the two cannot differ. Everything begins with the prefix; there are no macros.

/// What a function of the interface may return, with the sentence of `PREFIX_error`.
enum ProgramStatus: Int, CaseIterable {
    case ok, noMemory, noWeights, notWeights, otherVersion, truncatedWeights, otherProgram, noCPU, nullArgument
    case busy, cancelled, tooDeep, badAddress, badTasks, noThreads

    /// The enumerator behind the prefix.
    var name: String {
        switch self {
        case .ok: "ok"
        case .noMemory: "no_memory"
        case .noWeights: "no_weights"
        case .notWeights: "not_weights"
        case .otherVersion: "other_version"
        case .truncatedWeights: "truncated_weights"
        case .otherProgram: "other_program"
        case .noCPU: "no_cpu"
        case .nullArgument: "null_argument"
        case .busy: "busy"
        case .cancelled: "cancelled"
        case .tooDeep: "too_deep"
        case .badAddress: "bad_address"
        case .badTasks: "bad_tasks"
        case .noThreads: "no_threads"
        }
    }

    func sentence(_ isa: InstructionSet) -> String {
        switch self {
        case .ok: "success"
        case .noMemory: "there is not enough memory for this model"
        case .noWeights: "the weights file cannot be opened; check its path and permissions"
        case .notWeights: "this is not a weights file; give the weights.bin that came with this library"
        case .otherVersion:
            "the weights file has another format version; use library and weights.bin of the same bundle"
        case .truncatedWeights: "the weights file is not as long as it should be; copy it again"
        case .otherProgram:
            "the weights file belongs to another model or build; use library and weights.bin of the same bundle"
        case .noCPU:
            "this processor lacks instructions that the library was compiled for (\(isa.name): "
                + isa.features.map(\.rawValue).joined(separator: " ") + "); use a build for this processor"
        case .nullArgument: "a pointer that must not be null is null"
        case .busy: "the model is running on another thread; create one model per thread"
        case .cancelled: "the run was cancelled"
        case .tooDeep: "the model's data asks for deeper recursion than it was built for"
        case .badAddress: "the model's data leads to an element that is not there"
        case .badTasks: "the model's data asks for work that is not there"
        case .noThreads: "the system refused a thread that this model needs; allow this process more threads"
        }
    }
}

/// Declarations of the interface, with what a caller has to know; C and C++.
package func programDeclarations(prefix: String) -> String {
    let statuses = ProgramStatus.allCases.map { "  @P@_\($0.name) = \($0.rawValue)" }.joined(separator: ",\n")
    return (declarations.replacing("@STATUSES@", with: statuses)).replacing("@P@", with: prefix)
}

/// The functions of the interface: all that a library of this program exports, sorted.
package func programFunctions(prefix: String) -> [String] {
    ["cancel", "create", "destroy", "error", "input", "input_count", "output", "output_count", "run"]
        .map { prefix + "_" + $0 }
}

private let declarations = """
    /* A loaded model. One thread at a time may run it; any number of models may exist and run beside each other. */
    typedef struct @P@ @P@;

    /* An input or output, row-major. dtype is one of f16 bf16 f32 f64 i8 i16 i32 i64 u8 u16 u32 u64 bool, of the
       8-bit floats f8e4m3fn f8e4m3fnuz f8e5m2 f8e5m2fnuz f8e8m0, or of f4e2m1 int4 uint4 int2 uint2, which have a
       byte per element: f4e2m1 its code in the low bits, the others their value. */
    typedef struct @P@_tensor {
      const char *name;
      const char *dtype;
      int32_t rank;
      const int64_t *shape;
      size_t bytes;
    } @P@_tensor;

    /* What the functions below return; @P@_error says it in words. */
    enum @P@_status {
    @STATUSES@
    };

    /* Loads the weights and makes *model; a library of several lanes also starts its threads, which stay on the
       processors that the calling thread may use. Returns @P@_ok, or another status and sets *model to null. */
    int @P@_create(const char *weights_path, @P@ **model);

    /* Computes every output from the inputs, in the order of @P@_input and @P@_output. Pointers that are multiples
       of 64 are used in place, others are copied. No output may overlap an input or another output.
       Allocates nothing. Returns @P@_ok, or another status; then the outputs hold nothing in particular. */
    int @P@_run(@P@ *model, const void *const *inputs, void *const *outputs);

    /* May be called from any thread: the run in progress returns @P@_cancelled soon. Between two runs it ends the
       next one. */
    void @P@_cancel(@P@ *model);

    /* Frees the model and ends its threads; no run may be in progress. Null is allowed. */
    void @P@_destroy(@P@ *model);

    int @P@_input_count(void);
    int @P@_output_count(void);

    /* A description that lives as long as the library; null when there is no such tensor. */
    const @P@_tensor *@P@_input(int index);
    const @P@_tensor *@P@_output(int index);

    /* A sentence in English for a status; never null. */
    const char *@P@_error(int code);

    """
