using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>Operators as methods of a variable, like <c>torch.nn.functional</c>.</summary>
public static class Functional
{
    /// <summary>max(x, 0).</summary>
    public static Variable ReLU(this Variable x) => x.Activation(ActivationKind.ReLU);

    /// <summary>The Gaussian error linear unit in the exact form, x Phi(x).</summary>
    public static Variable GELU(this Variable x) => x.Activation(ActivationKind.GELU);

    /// <summary>The sigmoid linear unit, x sigmoid(x).</summary>
    public static Variable SiLU(this Variable x) => x.Activation(ActivationKind.SiLU);

    /// <summary>1 / (1 + exp(-x)).</summary>
    public static Variable Sigmoid(this Variable x) => x.Activation(ActivationKind.Sigmoid);

    /// <summary>An activation function by its kind.</summary>
    public static Variable Activation(this Variable x, ActivationKind kind) => Variable.Apply(new Activation(kind), x);

    /// <summary>Softmax over the innermost dimension.</summary>
    public static Variable Softmax(this Variable x) => Variable.Apply(new Softmax(), x);

    /// <summary>The same elements with another shape.</summary>
    /// <param name="x">The variable.</param>
    /// <param name="shape">The new shape, with the same number of elements; one dimension may be -1 and is computed from the
    /// others.</param>
    /// <exception cref="ArgumentException">The shape does not have as many elements as the variable.</exception>
    public static Variable Reshape(this Variable x, params ReadOnlySpan<int> shape)
    {
        int open = shape.IndexOf(-1);
        if (open < 0)
            return Variable.Apply(new Reshape(new Shape(shape)), x);
        int[] sizes = shape.ToArray();
        sizes[open] = 1;
        if (sizes.Contains(-1))
            throw new ArgumentException(
                $"Reshape: ({string.Join(',', shape.ToArray())}) leaves two dimensions open, expected one", nameof(shape));
        long known = new Shape(sizes).Count;
        if (known == 0 || x.Value.Count % known != 0)
            throw new ArgumentException(
                $"Reshape: {x.Value.Count} elements of {x.Shape} do not divide among ({string.Join(',', shape.ToArray())})", nameof(shape));
        sizes[open] = checked((int)(x.Value.Count / known));
        return Variable.Apply(new Reshape(new Shape(sizes)), x);
    }

    /// <summary>Merges all dimensions but the first: (B, ...) -> (B, n), with channels innermost as in memory.</summary>
    public static Variable Flatten(this Variable x) => x.Reshape(x.Shape[0], checked((int)(x.Value.Count / Math.Max(1, x.Shape[0]))));

    /// <summary>The mean softmax cross-entropy.</summary>
    /// <param name="logits">Logits (..., classes).</param>
    /// <param name="labels">Classes (...), uint8, int32 or int64.</param>
    /// <param name="ignoreIndex">Entries with this label do not count; null: all entries count.</param>
    public static Variable CrossEntropy(this Variable logits, Tensor labels, int? ignoreIndex = null) =>
        Variable.Apply(new CrossEntropyDice(1, 0, IgnoreIndex: ignoreIndex), logits, labels);

    /// <summary>The sum of all elements, a scalar, computed as a matrix product with ones.</summary>
    public static Variable Sum(this Variable x) => Weighted(x, 1);

    /// <summary>The mean of all elements, a scalar, computed as a matrix product with 1 / n.</summary>
    public static Variable Mean(this Variable x) => Weighted(x, 1.0 / x.Value.Count);

    private static Variable Weighted(Variable x, double weight)
    {
        int count = checked((int)x.Value.Count);
        Tensor weights = Tensor.Full([1, count], weight, x.Value.DType.OfParameters(), x.Value.Device);
        Variable row = Variable.Apply(new Reshape([1, count]), x);
        return Variable.Apply(new Reshape(Shape.Scalar), Variable.Apply(new Linear(), row, weights));
    }
}
