using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

public partial class Variable
{
    /// <summary>The value of a variable with one element on any device, as a double.</summary>
    /// <exception cref="InvalidOperationException">The variable has more than one element, or none.</exception>
    public double Item() => Value.Item();

    /// <summary>Wraps a tensor in a leaf without gradient: an input or a constant.</summary>
    public static implicit operator Variable(Tensor value) => new(value);

    /// <summary>The sum of two variables with the same shape.</summary>
    /// <exception cref="ShapeException">Shapes or types differ.</exception>
    public static Variable operator +(Variable a, Variable b) => Apply(new Add(), a, b);

    /// <summary>The difference of two variables with the same shape.</summary>
    /// <exception cref="ShapeException">Shapes or types differ.</exception>
    public static Variable operator -(Variable a, Variable b) => a + -1 * b;

    /// <summary>The negated variable.</summary>
    public static Variable operator -(Variable a) => -1 * a;

    /// <summary>The elementwise product of two variables with the same shape.</summary>
    /// <exception cref="ShapeException">Shapes or types differ.</exception>
    public static Variable operator *(Variable a, Variable b) => Apply(new Multiply(), a, b);

    /// <summary>Every element times a number.</summary>
    public static Variable operator *(Variable a, double factor) => Apply(new Scale(factor), a);

    /// <inheritdoc cref="op_Multiply(Variable, double)" />
    public static Variable operator *(double factor, Variable a) => a * factor;

    /// <summary>Every element divided by a number.</summary>
    public static Variable operator /(Variable a, double divisor) => a * (1 / divisor);
}
