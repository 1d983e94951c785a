using System.Diagnostics;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>Reverse-mode differentiation over the recorded nodes.</summary>
internal static class Tape
{
    public static void Run(Variable root, Tensor gradient)
    {
        if (root.Producer!.Call is null)
            throw new InvalidOperationException("Backward: this graph was differentiated before; run the forward pass again");
        root.Keep();
        gradient.Storage.AddReference();
        root.Producer.Gradient = gradient;
        foreach (Node node in Order(root.Producer))
        {
            if (node.Gradient is { } dOutput)
            {
                OperatorTrace? trace = OperatorTrace.Current;
                long start = trace is null ? 0 : Stopwatch.GetTimestamp();
                var sink = new Sink(node);
                node.Call!.Backward(dOutput, sink);
                sink.Finish();
                trace?.Add(node.Call!, backward: true, start);
                node.Gradient = null;
                dOutput.Storage.ReleaseReference();
            }
            node.Release();
        }
    }

    private static List<Node> Order(Node root)
    {
        var found = new HashSet<Node>();
        var open = new Stack<Node>();
        open.Push(root);
        while (open.TryPop(out Node? node))
        {
            if (!found.Add(node))
                continue;
            foreach (Variable? input in node.Inputs)
            {
                if (input?.Producer is not { } producer)
                    continue;
                if (producer.Call is null)
                    throw new InvalidOperationException(
                        "Backward: part of this graph was differentiated before; run the forward pass again");
                open.Push(producer);
            }
        }
        var order = found.ToList();
        order.Sort((a, b) => b.Sequence.CompareTo(a.Sequence));
        return order;
    }

    /// <summary>
    /// Collects the gradients of a node's inputs. The gradient of an intermediate value is stored in its producer and holds one reference
    /// on its block. A block with more references is shared (by a gradient that was passed through), so it is copied before anything is
    /// added to it.
    /// </summary>
    private sealed class Sink(Node node) : GradientSink
    {
        private List<Tensor>? _added;

        /// <summary>
        /// Releases the gradients that were added to others. This must wait until now, because two of them may share a block.
        /// </summary>
        public void Finish()
        {
            foreach (Tensor gradient in _added ?? [])
                gradient.Storage.ReleaseReference();
        }

        public override Tensor Target(int input, out bool accumulate)
        {
            Variable variable = Wanted(input);
            if (variable.Producer is { } producer)
            {
                accumulate = producer.Gradient is not null;
                if (producer.Gradient is { } existing && existing.Storage.References > 1)
                    Replace(producer, existing.Clone());
                if (producer.Gradient is null)
                    Replace(producer, Tensor.EmptyLike(variable.Value));
                return producer.Gradient!;
            }
            accumulate = variable.Gradient is not null;
            if (variable is Parameter parameter)
                return variable.Gradient ??= parameter.GradientBuffer();
            if (variable.Gradient is null)
            {
                variable.Gradient = Tensor.EmptyLike(variable.Value);
                variable.Gradient.Storage.AddReference();
            }
            return variable.Gradient;
        }

        public override void Give(int input, Tensor gradient)
        {
            Variable variable = Wanted(input);
            Check(variable, input, gradient);
            if (variable.Producer is { Gradient: null } producer)
            {
                Replace(producer, gradient);
                return;
            }
            gradient.Storage.AddReference();
            (_added ??= []).Add(gradient);
            AddTo(input, gradient);
        }

        public override void Pass(int input, Tensor gradient)
        {
            Variable variable = Wanted(input);
            Check(variable, input, gradient);
            if (variable.Producer is { Gradient: null } producer)
                Replace(producer, gradient);
            else
                AddTo(input, gradient);
        }

        private void AddTo(int input, Tensor gradient)
        {
            Tensor target = Target(input, out bool accumulate);
            if (accumulate)
                TensorMath.AddInPlace(target, gradient);
            else
                target.CopyFrom(gradient);
        }

        private string Name => node.Call!.Operator.Name;

        private Variable Wanted(int input) => node.Call!.Needs(input)
            ? node.Inputs[input]!
            : throw new InvalidOperationException($"{Name}: backward produced a gradient for input {input}, which needs none");

        private void Check(Variable variable, int input, Tensor gradient)
        {
            if (gradient.Shape != variable.Shape || gradient.DType != variable.Value.DType)
                throw new InvalidOperationException(
                    $"{Name}: gradient of input {input} is {gradient}, expected {variable.Value}");
        }

        private static void Replace(Node producer, Tensor gradient)
        {
            gradient.Storage.AddReference();
            producer.Gradient?.Storage.ReleaseReference();
            producer.Gradient = gradient;
        }
    }
}
