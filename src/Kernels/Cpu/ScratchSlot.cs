namespace CsUnet.Kernels.Cpu;

/// <summary>The purposes of a thread's scratch buffers; every slot has a buffer of its own.</summary>
internal enum ScratchSlot
{
    /// <summary>All panels of the left operand, packed once for all chunks.</summary>
    SharedRows,

    /// <summary>All panels of the right operand, packed once for all chunks.</summary>
    SharedColumns,

    /// <summary>Partial sums of the slices of a split dimension.</summary>
    Partials,

    /// <summary>An input with its zero border.</summary>
    Padded,

    /// <summary>One chunk's panels of the left operand.</summary>
    ChunkRows,

    /// <summary>One panel of the right operand.</summary>
    ChunkColumns,

    /// <summary>One row of an implicit matrix, or the token list of a window.</summary>
    Row,

    /// <summary>The working data of one window and head of an attention.</summary>
    Attention,
}
