import Basics
package func interpret(_ definition: Definition, _ operands: [TensorValue]) -> TensorValue { preconditionFailure() }
