using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>A numbered list of modules, <c>blocks.0</c>, <c>blocks.1</c>, ...</summary>
/// <typeparam name="TModule">The type of the modules.</typeparam>
public sealed class ModuleList<TModule> : Module where TModule : Module
{
    private readonly List<TModule> _items = [];

    /// <summary>Creates a list of the given modules.</summary>
    public ModuleList(IEnumerable<TModule> items, DType type) : base(type)
    {
        foreach (TModule item in items)
            _items.Add(Register(_items.Count.ToString(), item));
    }

    /// <summary>The modules in order.</summary>
    public IReadOnlyList<TModule> Items => _items;
}
