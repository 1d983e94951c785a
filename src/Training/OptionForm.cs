namespace CsUnet.Training;

/// <summary>How the value of an option stands in a file.</summary>
public enum OptionForm
{
    /// <summary>One value: <c>steps: 300</c>.</summary>
    Value,

    /// <summary>A list of values: <c>depths: [2, 2, 2, 2]</c>.</summary>
    List,

    /// <summary>A mapping of its own, or a name that stands for one.</summary>
    Section,
}
