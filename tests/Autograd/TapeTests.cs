using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Autograd;

public sealed class TapeTests
{
    private static Variable Leaf(params double[] values) => new(Tensor.From(values, [values.Length]), requiresGradient: true, "leaf");

    private static Tensor Row(params double[] values) => Tensor.From(values, [values.Length]);

    private static Variable Sum(Variable a, Variable b) => Variable.Apply(new Add(), a, b);

    private static double[] Values(Tensor? tensor) => tensor!.AsSpan<double>().ToArray();

    [Fact]
    public void Gradients_of_two_backward_passes_add_up_until_cleared()
    {
        Variable x = Leaf(1, -2, 3);
        Variable.Apply(new Activation(ActivationKind.ReLU), x).Backward(Row(1, 2, 3));
        Assert.Equal([1, 0, 3], Values(x.Gradient));
        Variable.Apply(new Activation(ActivationKind.ReLU), x).Backward(Row(10, 20, 30));
        Assert.Equal([11, 0, 33], Values(x.Gradient));
        x.ClearGradient();
        Assert.Null(x.Gradient);
        Variable.Apply(new Activation(ActivationKind.ReLU), x).Backward(Row(5, 5, 5));
        Assert.Equal([5, 0, 5], Values(x.Gradient));
    }

    [Fact]
    public void A_parameter_keeps_its_gradient_across_steps_in_one_buffer()
    {
        var parameter = new Parameter(Row(1, 2), "weight");
        using var arena = new StepArena();
        for (int step = 0; step < 2; step++)
            using (arena.BeginStep())
                Variable.Apply(new Activation(ActivationKind.ReLU), parameter).Backward(Row(1, 2));
        Assert.Equal([2, 4], Values(parameter.Gradient));
        Tensor buffer = parameter.Gradient!;
        parameter.ClearGradient();
        using (arena.BeginStep())
            Variable.Apply(new Activation(ActivationKind.ReLU), parameter).Backward(Row(7, 8));
        Assert.Same(buffer, parameter.Gradient);
        Assert.Equal([7, 8], Values(parameter.Gradient));
    }

    [Fact]
    public void A_parameter_cannot_live_in_a_step()
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        Assert.Contains("weight", Assert.Throws<ArgumentException>(() => new Parameter(Row(1), "weight")).Message);
    }

    [Fact]
    public void A_variable_used_twice_gets_both_gradients()
    {
        Variable x = Leaf(1, -1);
        Sum(x, x).Backward(Row(1, 3));
        Assert.Equal([2, 6], Values(x.Gradient));

        x.ClearGradient();
        Variable y = Variable.Apply(new Activation(ActivationKind.ReLU), x);
        Sum(Sum(y, y), y).Backward(Row(1, 3));
        Assert.Equal([3, 0], Values(x.Gradient));
    }

    [Fact]
    public void A_gradient_passed_to_two_places_is_not_added_to_in_either()
    {
        // z = (a + b) + a: the gradient of z goes to a + b and to a as one block. The second contribution to a must not reach b through it.
        Variable x = Leaf(1, 2), y = Leaf(3, 4);
        Variable a = Variable.Apply(new Reshape([2, 1]), x), b = Variable.Apply(new Reshape([2, 1]), y);
        Tensor seed = Tensor.From([1.0, 5.0], [2, 1]);
        Sum(Sum(a, b), a).Backward(seed);
        Assert.Equal([2, 10], Values(x.Gradient));
        Assert.Equal([1, 5], Values(y.Gradient));
        Assert.Equal([1, 5], Values(seed));
    }

    [Fact]
    public void A_view_passes_values_and_gradients_through()
    {
        Variable x = Leaf(1, 2, 3, 4);
        Variable view = Variable.Apply(new Reshape([2, 2]), x);
        Assert.Same(x.Value.Storage, view.Value.Storage);
        view.Backward(Tensor.From([1.0, 2, 3, 4], [2, 2]));
        Assert.Equal(new Shape(4), x.Gradient!.Shape);
        Assert.Equal([1, 2, 3, 4], Values(x.Gradient));
    }

    [Fact]
    public void No_gradient_mode_records_nothing()
    {
        Variable x = Leaf(1);
        using (NoGrad.Begin())
        {
            using (NoGrad.Begin())
                Assert.True(NoGrad.IsActive);
            Assert.True(NoGrad.IsActive);
            Variable y = Variable.Apply(new Activation(ActivationKind.ReLU), x);
            Assert.False(y.RequiresGradient);
            Assert.Throws<InvalidOperationException>(() => y.Backward());
        }
        Assert.False(NoGrad.IsActive);
        Assert.True(Variable.Apply(new Activation(ActivationKind.ReLU), x).RequiresGradient);
    }

    [Fact]
    public void A_leaf_that_needs_no_gradient_gets_none()
    {
        Variable x = Leaf(1), constant = new(Row(2));
        Sum(x, constant).Backward();
        Assert.Equal([1], Values(x.Gradient));
        Assert.Null(constant.Gradient);
    }

    [Fact]
    public void Intermediate_values_are_released_unless_kept()
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        Variable x = Leaf(1, 2), released = Variable.Apply(new Activation(ActivationKind.GELU), x),
            kept = Variable.Apply(new Activation(ActivationKind.GELU), released).Keep();
        double before = kept.Value[0];
        Variable.Apply(new Activation(ActivationKind.GELU), kept).Backward(Row(1, 1));
        Assert.Equal(before, kept.Value[0]);
        Assert.Contains("Keep", Assert.Throws<InvalidOperationException>(() => released.Value[0]).Message);
        Assert.True(double.IsFinite(x.Gradient![0]));
    }

    [Fact]
    public void Backward_needs_less_memory_than_all_gradients_together()
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        var x = new Variable(Tensor.Full([1000], 1, DType.Float64), requiresGradient: true);
        Variable y = x;
        for (int i = 0; i < 50; i++)
            y = Variable.Apply(new Activation(ActivationKind.GELU), y);
        long forward = arena.PeakBytes;
        y.Backward(Tensor.Full([1000], 1, DType.Float64));
        // Fifty gradients would need as much memory again; released activations make room for all but a few of them.
        Assert.True(arena.PeakBytes < forward * 1.2, $"peak {arena.PeakBytes} bytes, after the forward pass {forward}");
    }

    [Fact]
    public void A_graph_is_differentiated_once()
    {
        Variable x = Leaf(1), y = Variable.Apply(new Activation(ActivationKind.ReLU), x),
            z = Variable.Apply(new Activation(ActivationKind.ReLU), y);
        z.Backward();
        Assert.Contains("before", Assert.Throws<InvalidOperationException>(() => z.Backward()).Message);
        Assert.Contains("before",
            Assert.Throws<InvalidOperationException>(() => Variable.Apply(new Activation(ActivationKind.ReLU), y).Backward()).Message);
    }

    [Fact]
    public void Backward_checks_its_gradient()
    {
        Variable y = Variable.Apply(new Activation(ActivationKind.ReLU), Leaf(1, 2));
        Assert.Contains("(2)", Assert.Throws<ArgumentException>(() => y.Backward()).Message);
        Assert.Contains("float64 (2)", Assert.Throws<ArgumentException>(() => y.Backward(Row(1, 2, 3))).Message);
        Assert.Contains("float64 (2)", Assert.Throws<ArgumentException>(() => y.Backward(Tensor.Zeros([2]))).Message);
        Assert.Contains("gradient", Assert.Throws<InvalidOperationException>(() => Leaf(1).Backward()).Message);
    }

    [Fact]
    public void Shape_errors_name_operator_argument_got_and_expected()
    {
        var error = Assert.Throws<ShapeException>(() => Sum(Leaf(1, 2), Leaf(1, 2, 3)));
        Assert.Equal(("Add", "second input"), (error.Operator, error.Argument));
        Assert.Contains("(3)", error.Message);
        Assert.Contains("(2)", error.Message);

        var x = new Variable(Tensor.Zeros([2, 5, 192]));
        Variable weight = new(Tensor.Zeros([96])), bias = new(Tensor.Zeros([192]));
        error = Assert.Throws<ShapeException>(() => Variable.Apply(new LayerNorm(), x, weight, bias));
        Assert.Equal(("LayerNorm", "weight"), (error.Operator, error.Argument));
        Assert.Contains("(96)", error.Message);
        Assert.Contains("(192)", error.Message);
    }

    [Fact]
    public void A_trace_sees_both_passes_and_counts_the_forward_work()
    {
        var x = new Variable(Tensor.Full([4, 3], 1, DType.Float64), requiresGradient: true);
        var weight = new Variable(Tensor.Full([5, 3], 1, DType.Float64), requiresGradient: true);
        using (var trace = new OperatorTrace())
        {
            Variable.Apply(new Linear(), x, weight).Backward(Tensor.Full([4, 5], 1, DType.Float64));
            Assert.Equal([false, true], trace.Entries.Select(entry => entry.IsBackward));
            Assert.All(trace.Entries, entry => Assert.Equal(4 * 5 * 3, entry.MultiplyAdds));
        }
        Assert.Null(OperatorTrace.Current);
    }
}
