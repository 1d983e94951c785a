namespace CsUnet.Kernels;

/// <summary>The activation functions that <see cref="Activation"/> computes, under the names that PyTorch gives them.</summary>
public enum ActivationKind
{
    /// <summary>max(x, 0). The derivative at 0 is 0.</summary>
    ReLU,

    /// <summary>min(max(x, 0), 6). The derivative at 0 and at 6 is 0.</summary>
    ReLU6,

    /// <summary>
    /// x Φ(x), Φ(x) = (1 + erf(x / √2)) / 2: the Gaussian error linear unit in its exact form (Hendrycks and Gimpel 2016).
    /// </summary>
    GELU,

    /// <summary>x sigmoid(x), also called Swish (Elfwing et al. 2018; Ramachandran et al. 2017).</summary>
    SiLU,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid,

    /// <summary>x ReLU6(x + 3) / 6 (Howard et al. 2019). The derivative is 0 at -3 and 1 at 3.</summary>
    HardSwish,
}
