namespace CsUnet.Training;

/// <summary>How a file writes the value of an option.</summary>
public enum OptionForm
{
    /// <summary>One value: <c>steps: 300</c>.</summary>
    Value,

    /// <summary>A list of values: <c>depths: [2, 2, 2, 2]</c>.</summary>
    List,

    /// <summary>A nested mapping, or a name that stands for one.</summary>
    Section,
}
