// What the elementwise operators compute, as expressions: one function per operator, from operands to result. All of
// them are total and follow ONNX for NaN (maximum and minimum pass it on). `dtype` is that of the operands.
// Forms that overflow for large operands are avoided here, so that generated code need not know.

import TensorIR

enum Formula {
    static func maximum(_ a: Expr, _ b: Expr) -> Expr { .binary(.maximum, a, b) }
    static func minimum(_ a: Expr, _ b: Expr) -> Expr { .binary(.minimum, a, b) }
    static func divide(_ a: Expr, _ b: Expr) -> Expr { .binary(.divide, a, b) }
    static func exp(_ a: Expr) -> Expr { .unary(.exp, a) }
    static func log(_ a: Expr) -> Expr { .unary(.log, a) }

    /// `x < 0 ? negative : x`; a NaN passes.
    static func negativePart(_ x: Expr, _ negative: Expr, _ dtype: DType) -> Expr {
        .select(.binary(.less, x, zero(dtype)), negative, x)
    }

    static func sigmoid(_ x: Expr, _ dtype: DType) -> Expr {
        divide(number(1, dtype), number(1, dtype) + exp(.unary(.negate, x)))
    }

    static func hardSigmoid(_ x: Expr, alpha: Double, beta: Double, _ dtype: DType) -> Expr {
        maximum(minimum(x * number(alpha, dtype) + number(beta, dtype), number(1, dtype)), zero(dtype))
    }

    static func hardSwish(_ x: Expr, _ dtype: DType) -> Expr {
        x * hardSigmoid(x, alpha: 1.0 / 6, beta: 0.5, dtype)
    }

    static func relu(_ x: Expr, _ dtype: DType) -> Expr { maximum(x, zero(dtype)) }

    static func leakyRelu(_ x: Expr, alpha: Double, _ dtype: DType) -> Expr {
        negativePart(x, x * number(alpha, dtype), dtype)
    }

    static func elu(_ x: Expr, alpha: Double, _ dtype: DType) -> Expr {
        negativePart(x, (exp(x) - number(1, dtype)) * number(alpha, dtype), dtype)
    }

    static func selu(_ x: Expr, alpha: Double, gamma: Double, _ dtype: DType) -> Expr {
        elu(x, alpha: alpha, dtype) * number(gamma, dtype)
    }

    /// `max(x, 0) + min(0, alpha·(exp(x/alpha) - 1))`.
    static func celu(_ x: Expr, alpha: Double, _ dtype: DType) -> Expr {
        let a = number(alpha, dtype)
        return relu(x, dtype) + minimum((exp(divide(x, a)) - number(1, dtype)) * a, zero(dtype))
    }

    static func thresholdedRelu(_ x: Expr, alpha: Double, _ dtype: DType) -> Expr {
        .select(.binary(.lessOrEqual, x, number(alpha, dtype)), zero(dtype), x)
    }

    /// `log(1 + exp(x))` in the form that does not overflow.
    static func softplus(_ x: Expr, _ dtype: DType) -> Expr {
        relu(x, dtype) + log(number(1, dtype) + exp(.unary(.negate, .unary(.absolute, x))))
    }

    static func softsign(_ x: Expr, _ dtype: DType) -> Expr {
        divide(x, number(1, dtype) + .unary(.absolute, x))
    }

    static func mish(_ x: Expr, _ dtype: DType) -> Expr { x * .unary(.tanh, softplus(x, dtype)) }

    static func swish(_ x: Expr, alpha: Double, _ dtype: DType) -> Expr {
        x * sigmoid(alpha == 1 ? x : x * number(alpha, dtype), dtype)
    }

    static func gelu(_ x: Expr, _ dtype: DType) -> Expr {
        number(0.5, dtype) * x * (number(1, dtype) + .unary(.erf, x * number(0.5.squareRoot(), dtype)))
    }

    /// The form with tanh: `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³)))`.
    static func geluTanh(_ x: Expr, _ dtype: DType) -> Expr {
        let cube = x * x * x * number(0.044715, dtype)
        let inner = (x + cube) * number((2 / Double.pi).squareRoot(), dtype)
        return number(0.5, dtype) * x * (number(1, dtype) + .unary(.tanh, inner))
    }

    /// The remainder with the divisor's sign, which a zero has too.
    static func floorModulo(_ a: Expr, _ b: Expr, _ dtype: DType) -> Expr {
        let remainder = Expr.binary(.floatRemainder, a, b)
        let isNegative = Expr.binary(.less, b, zero(dtype))
        let differs = Expr.binary(.notEqual, .binary(.less, remainder, zero(dtype)), isNegative)
        let isWhole = Expr.binary(.equal, remainder, zero(dtype))
        let none = Expr.select(isNegative, number(-0.0, dtype), zero(dtype))
        return .select(isWhole, none, .select(differs, remainder + b, remainder))
    }

    static func tan(_ x: Expr) -> Expr { divide(.unary(.sin, x), .unary(.cos, x)) }

    static func sinh(_ x: Expr, _ dtype: DType) -> Expr {
        (exp(x) - exp(.unary(.negate, x))) * number(0.5, dtype)
    }

    static func cosh(_ x: Expr, _ dtype: DType) -> Expr {
        (exp(x) + exp(.unary(.negate, x))) * number(0.5, dtype)
    }

    /// `sign(x) · log(|x| + sqrt(x² + 1))`.
    static func asinh(_ x: Expr, _ dtype: DType) -> Expr {
        let size = Expr.unary(.absolute, x)
        return .unary(.sign, x) * log(size + .unary(.sqrt, x * x + number(1, dtype)))
    }

    static func acosh(_ x: Expr, _ dtype: DType) -> Expr {
        log(x + .unary(.sqrt, x * x - number(1, dtype)))
    }

    static func atanh(_ x: Expr, _ dtype: DType) -> Expr {
        log(divide(number(1, dtype) + x, number(1, dtype) - x)) * number(0.5, dtype)
    }
}
