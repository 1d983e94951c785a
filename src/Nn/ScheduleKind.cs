namespace CsUnet.Nn;

/// <summary>How the learning rate changes after the warm-up.</summary>
public enum ScheduleKind
{
    /// <summary>Half a cosine down to <see cref="Schedule.Minimum"/> at the last step.</summary>
    Cosine,

    /// <summary>The learning rate stays constant.</summary>
    Constant,

    /// <summary>Multiplied by <see cref="Schedule.Factor"/> every <see cref="Schedule.Every"/> steps.</summary>
    Step,

    /// <summary>Multiplied by the factor after as many validations without improvement as the patience allows.</summary>
    Plateau,
}
