namespace CsUnet.Training;

/// <summary>Why a run cannot start or continue, for callers that know what their user can do about it.</summary>
public enum RunFault
{
    /// <summary>Another reason; the message explains it.</summary>
    Other,

    /// <summary>The folder of a run does not exist.</summary>
    NoFolder,

    /// <summary>The folder holds no run.</summary>
    NoRun,

    /// <summary>No run has a checkpoint.</summary>
    NoCheckpoint,

    /// <summary>The folder of a new run already contains a run.</summary>
    FolderTaken,

    /// <summary>The folder of a new run contains files that no run wrote.</summary>
    FolderNotEmpty,

    /// <summary>The folder of a new run cannot be created.</summary>
    FolderNotMade,

    /// <summary>A file of a running training cannot be written; the previous checkpoint is intact.</summary>
    NotWritten,

    /// <summary>The data are not those that the run was trained with.</summary>
    OtherData,

    /// <summary>A file that the run had written is gone.</summary>
    FileLost,

    /// <summary>The run has no evaluation, or it cannot be read.</summary>
    NoEvaluation,
}
