namespace CsUnet.Nn;

/// <summary>The order of a parameter's elements in memory and in weight files; the files use PyTorch's layouts.</summary>
public enum ParameterLayout
{
    /// <summary>The same order in memory and in files.</summary>
    Same,

    /// <summary>The weight of a convolution: (O, KH, KW, I) in memory, OIHW in files.</summary>
    Convolution,
}
