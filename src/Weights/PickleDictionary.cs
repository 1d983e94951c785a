namespace CsUnet.Weights;

/// <summary>
/// A dictionary of a pickle, in order. Also stands for an object whose attributes are plain data (argparse.Namespace, CfgNode).
/// </summary>
internal sealed class PickleDictionary
{
    /// <summary>Keys and values, as they were stored. A key that was stored twice stands here twice; the last one counts.</summary>
    public List<KeyValuePair<object?, object?>> Items { get; } = [];

    /// <summary>The value of a text key; null if there is none.</summary>
    public object? Find(string key)
    {
        for (int i = Items.Count - 1; i >= 0; i--)
            if (Items[i].Key is string text && text == key)
                return Items[i].Value;
        return null;
    }
}
