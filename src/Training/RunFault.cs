namespace CsUnet.Training;

/// <summary>What kept a run from starting or going on, for callers that know what their user can do about it.</summary>
public enum RunFault
{
    /// <summary>Something else; the message says what.</summary>
    Other,

    /// <summary>The folder of a run does not exist.</summary>
    NoFolder,

    /// <summary>The folder holds no run.</summary>
    NoRun,

    /// <summary>No run has a checkpoint.</summary>
    NoCheckpoint,

    /// <summary>The folder of a new run holds another run.</summary>
    FolderTaken,

    /// <summary>The folder of a new run cannot be made.</summary>
    FolderNotMade,

    /// <summary>A file of a run in progress cannot be written; the checkpoint before it is whole.</summary>
    NotWritten,

    /// <summary>There is no evaluation of the run, or it cannot be read.</summary>
    NoEvaluation,
}
