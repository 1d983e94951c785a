namespace CsUnet.Nn;

/// <summary>How a parameter's elements lie in memory and in weight files, which hold PyTorch's layouts.</summary>
public enum ParameterLayout
{
    /// <summary>The same in memory and in files.</summary>
    Same,

    /// <summary>The weight of a convolution: (O, KH, KW, I) in memory, OIHW in files.</summary>
    Convolution,
}
