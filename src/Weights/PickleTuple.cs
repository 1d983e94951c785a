namespace CsUnet.Weights;

/// <summary>A tuple of a pickle.</summary>
/// <param name="Items">Its elements.</param>
internal sealed record PickleTuple(IReadOnlyList<object?> Items)
{
    public int Count => Items.Count;

    public object? this[int index] => Items[index];
}
