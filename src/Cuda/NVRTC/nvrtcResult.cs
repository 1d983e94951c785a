namespace CsUnet.Cuda.NVRTC;

/// <summary>The status that every NVRTC call returns. Newer versions may return numbers that are not listed here.</summary>
public enum nvrtcResult
{
    /// <summary>The call succeeded.</summary>
    Success = 0,

    /// <summary>Not enough host memory.</summary>
    ErrorOutOfMemory = 1,

    /// <summary>The program could not be created.</summary>
    ErrorProgramCreationFailure = 2,

    /// <summary>An argument is out of range.</summary>
    ErrorInvalidInput = 3,

    /// <summary>The program handle is not valid.</summary>
    ErrorInvalidProgram = 4,

    /// <summary>A compiler option is not known.</summary>
    ErrorInvalidOption = 5,

    /// <summary>The source does not compile; the log says why.</summary>
    ErrorCompilation = 6,

    /// <summary>The library of built-in functions failed, or was not found beside NVRTC.</summary>
    ErrorBuiltinOperationFailure = 7,

    /// <summary>A name expression was added after compiling.</summary>
    ErrorNoNameExpressionsAfterCompilation = 8,

    /// <summary>A lowered name was requested before compiling.</summary>
    ErrorNoLoweredNamesBeforeCompilation = 9,

    /// <summary>A name expression does not name anything.</summary>
    ErrorNameExpressionNotValid = 10,

    /// <summary>An internal error.</summary>
    ErrorInternalError = 11,
}
