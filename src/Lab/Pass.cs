namespace CsUnet.Lab;

/// <summary>A pass of an operator.</summary>
public enum Pass
{
    /// <summary>The forward pass.</summary>
    Forward,

    /// <summary>The backward pass alone, with the gradients of all inputs.</summary>
    Backward,
}
