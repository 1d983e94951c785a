using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>A leaf that training updates. It owns its value and gradient across steps.</summary>
public sealed class Parameter : Variable
{
    private Tensor? _buffer;

    /// <summary>A parameter that holds a tensor that outlives steps.</summary>
    public Parameter(Tensor value, string name) : base(value, true, name)
    {
        if (value.Storage.IsTemporary)
            throw new ArgumentException($"parameter {name}: its tensor belongs to a step; make it outside of one", nameof(value));
    }

    /// <summary>A parameter without memory. <see cref="Variable.SetValue"/> allocates it.</summary>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="name">A name for messages.</param>
    public Parameter(Shape shape, DType type, string name) : base(shape, type, requiresGradient: true, name)
    {
    }

    /// <inheritdoc />
    public override void MoveTo(Device device)
    {
        if (HasValue && Value.Device != device)
            _buffer = null;
        base.MoveTo(device);
    }

    /// <summary>
    /// The buffer of the gradient, allocated on first use. Its content is valid only while <see cref="Variable.Gradient"/> is set.
    /// </summary>
    internal Tensor GradientBuffer()
    {
        if (_buffer is null)
        {
            using StepArena.PersistentScope scope = StepArena.Suspend();
            _buffer = Tensor.EmptyLike(Value);
        }
        return _buffer;
    }
}
