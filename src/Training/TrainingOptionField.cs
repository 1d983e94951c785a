using System.Globalization;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// One option of a run as config.yaml and <see cref="TrainingOptions.With"/> know it: key, meaning, how to read and to write it. The
/// table <see cref="All"/> is the only place that lists the keys.
/// </summary>
internal sealed class TrainingOptionField
{
    private static readonly HashSet<string> s_settings = [.. SegmentationModels.All.SelectMany(preset => preset.Settings)];

    private readonly Func<TrainingOptions, IReadOnlyList<string>> _get;
    private readonly Func<TrainingOptions, Value, TrainingOptions> _set;

    private TrainingOptionField(
        string key, string meaning, bool isList, Func<TrainingOptions, IReadOnlyList<string>> get, Func<TrainingOptions, Value, TrainingOptions> set)
    {
        Key = key;
        Meaning = meaning;
        IsList = isList;
        _get = get;
        _set = set;
    }

    /// <summary>The key in the file.</summary>
    public string Key { get; }

    /// <summary>The comment behind it.</summary>
    public string Meaning { get; }

    /// <summary>Whether the value is a list.</summary>
    public bool IsList { get; }

    /// <summary>Whether options have this one: those about networks belong to some networks only.</summary>
    public bool IsOf(TrainingOptions options) => !s_settings.Contains(Key) || SegmentationModels.Named(options.Model).Settings.Contains(Key);

    /// <summary>The value as text: one entry, none if it is not set, any number for a list.</summary>
    public IReadOnlyList<string> Values(TrainingOptions options) => _get(options);

    /// <summary>The options with the value that the text says.</summary>
    /// <exception cref="RunException">The text is no value of this option.</exception>
    public TrainingOptions Apply(TrainingOptions options, IReadOnlyList<string> values, string source)
    {
        if (!IsList && values.Count > 1)
            throw new RunException($"{source}: {Key} is a list, expected one value");
        return _set(options, new Value(source, Key, values));
    }

    /// <summary>Every option, in the order of the file.</summary>
    public static IReadOnlyList<TrainingOptionField> All { get; } =
    [
        Single("model", $"one of {string.Join(", ", SegmentationModels.Names)}", o => o.Model,
            (o, v) => o with { Model = v.Word(SegmentationModels.Names) }),
        Single("size", "side of crops and tiles in pixels, or HEIGHTxWIDTH; multiples of 32",
            o => o.Height == o.Width ? Text(o.Height) : $"{o.Height}x{o.Width}",
            (o, v) => { (int height, int width) = v.Size(); return o with { Height = height, Width = width }; }),
        Single("window", "attention window in tokens; empty: the preset's", o => Text(o.Window),
            (o, v) => o with { Window = v.OptionalInteger(2, 64) }),
        Single("embed_dim", "channels of the first Swin stage; empty: the preset's", o => Text(o.EmbedDim),
            (o, v) => o with { EmbedDim = v.OptionalInteger(1, 4096) }),
        List("depths", "Swin blocks per stage; empty: the preset's", o => [.. o.Depths.Select(Text)],
            (o, v) => o with { Depths = v.Integers(1, 100) }),
        List("heads", "attention heads per stage; empty: the preset's", o => [.. o.Heads.Select(Text)],
            (o, v) => o with { Heads = v.Integers(1, 4096) }),
        Single("encoder", $"one of {string.Join(", ", Encoders.Names)}; empty: the preset's", o => o.Encoder ?? "",
            (o, v) => o with { Encoder = v.IsEmpty ? null : v.Word(Encoders.Names) }),
        Single("encoder_width", "channels of the encoder's first stage; empty: the preset's", o => Text(o.EncoderWidth),
            (o, v) => o with { EncoderWidth = v.OptionalInteger(1, 1024) }),
        Single("mlp", "resmlp (CS-UNet's) or mlp (Swin's); empty: the preset's", o => o.Mlp?.ToString().ToLowerInvariant() ?? "",
            (o, v) => o with { Mlp = v.IsEmpty ? null : v.Word(["resmlp", "mlp"]) == "mlp" ? MlpKind.Mlp : MlpKind.ResMlp }),
        Single("drop_path", "largest DropPath probability; empty: the preset's", o => o.DropPath is { } rate ? Text(rate) : "",
            (o, v) => o with { DropPath = v.IsEmpty ? null : v.Number(0, 0.99) }),
        Single("data", "folder of the data set; empty: synthetic micrographs", o => o.Data ?? "", (o, v) => o with { Data = v.OptionalText() }),
        Single("classes", "nasa-super, nasa-ebc or a YAML file; empty: the synthetic set's", o => o.Classes ?? "",
            (o, v) => o with { Classes = v.OptionalText() }),
        List("subset", "names of the training images to use; empty: all", o => o.Subset, (o, v) => o with { Subset = v.Texts() }),
        Single("batch", "images per step", o => Text(o.Batch), (o, v) => o with { Batch = v.Integer(1, 65536) }),
        Single("steps", "length of the run", o => Text(o.Steps), (o, v) => o with { Steps = v.Integer(1, 100_000_000) }),
        Single("epochs", "length in epochs instead of steps; empty: steps", o => Text(o.Epochs),
            (o, v) => o with { Epochs = v.OptionalInteger(1, 10_000_000) }),
        Single("optimizer", "adamw or sgd", o => o.Optimizer == OptimizerKind.Sgd ? "sgd" : "adamw",
            (o, v) => o with { Optimizer = v.Word(["adamw", "sgd"]) == "sgd" ? OptimizerKind.Sgd : OptimizerKind.AdamW }),
        Single("learning_rate", "peak learning rate", o => Text(o.LearningRate), (o, v) => o with { LearningRate = v.Number(1e-12, 1000) }),
        Single("weight_decay", "on every parameter", o => Text(o.WeightDecay), (o, v) => o with { WeightDecay = v.Number(0, 1000) }),
        Single("momentum", "of sgd", o => Text(o.Momentum), (o, v) => o with { Momentum = v.Number(0, 0.9999) }),
        Single("schedule", "cosine, constant, step or plateau", o => o.Schedule.ToString().ToLowerInvariant(),
            (o, v) => o with { Schedule = Enum.Parse<ScheduleKind>(v.Word(["cosine", "constant", "step", "plateau"]), ignoreCase: true) }),
        Single("warm_up", "steps of linear warm-up", o => Text(o.WarmUp), (o, v) => o with { WarmUp = v.Integer(0, 100_000_000) }),
        Single("minimum_learning_rate", "end of cosine and plateau", o => Text(o.MinimumLearningRate),
            (o, v) => o with { MinimumLearningRate = v.Number(0, 1000) }),
        Single("schedule_every", "steps between reductions of the step schedule", o => Text(o.ScheduleEvery),
            (o, v) => o with { ScheduleEvery = v.Integer(1, 100_000_000) }),
        Single("schedule_factor", "factor of a reduction of the step and plateau schedules", o => Text(o.ScheduleFactor),
            (o, v) => o with { ScheduleFactor = v.Number(1e-6, 1) }),
        Single("plateau_patience", "validations without improvement before a reduction", o => Text(o.PlateauPatience),
            (o, v) => o with { PlateauPatience = v.Integer(1, 1_000_000) }),
        Single("clip_norm", "largest gradient norm; 0: no clipping", o => Text(o.ClipNorm), (o, v) => o with { ClipNorm = v.Number(0, 1e9) }),
        Single("cross_entropy_weight", "in the loss", o => Text(o.CrossEntropyWeight),
            (o, v) => o with { CrossEntropyWeight = v.Number(0, 1000) }),
        Single("dice_weight", "in the loss", o => Text(o.DiceWeight), (o, v) => o with { DiceWeight = v.Number(0, 1000) }),
        List("class_weights", "of the cross-entropy, in label order; empty: all 1", o => [.. o.ClassWeights.Select(Text)],
            (o, v) => o with { ClassWeights = v.Numbers(0, 1e6) }),
        Single("validate_every", "steps between validations; 0: only at the end", o => Text(o.ValidateEvery),
            (o, v) => o with { ValidateEvery = v.Integer(0, 100_000_000) }),
        Single("checkpoint_every", "steps between checkpoints; also after every validation; 0: only then", o => Text(o.CheckpointEvery),
            (o, v) => o with { CheckpointEvery = v.Integer(0, 100_000_000) }),
        Single("patience", "validations without improvement before the run stops; 0: never", o => Text(o.Patience),
            (o, v) => o with { Patience = v.Integer(0, 1_000_000) }),
        Single("validation_stride", "pixels between tiles of a validation; 0: no overlap", o => Text(o.ValidationStride),
            (o, v) => o with { ValidationStride = v.Integer(0, 8192) }),
        Single("tile_stride", "pixels between tiles of evaluation and prediction; 0: half a tile", o => Text(o.TileStride),
            (o, v) => o with { TileStride = v.Integer(0, 8192) }),
        Single("precision", "fp32, or on a CUDA device tf32 or bf16", o => o.Precision.Label(),
            (o, v) => o with { Precision = Precisions.Find(v.Word([.. Precisions.Labels]))!.Value }),
        Single("seed", "of weights, data order, augmentation and DropPath", o => o.Seed.ToString(CultureInfo.InvariantCulture),
            (o, v) => o with { Seed = v.Seed() }),
        Single("threads", "0: one per processor; results do not depend on it", o => Text(o.Threads),
            (o, v) => o with { Threads = v.Integer(0, 1024) }),
    ];

    private static TrainingOptionField Single(
        string key, string meaning, Func<TrainingOptions, string> get, Func<TrainingOptions, Value, TrainingOptions> set) =>
        new(key, meaning, isList: false, options => get(options) is { Length: > 0 } text ? [text] : [], set);

    private static TrainingOptionField List(
        string key, string meaning, Func<TrainingOptions, IReadOnlyList<string>> get, Func<TrainingOptions, Value, TrainingOptions> set) =>
        new(key, meaning, isList: true, get, set);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(int? value) => value is { } number ? Text(number) : "";

    // The shortest text that reads back as the same double.
    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>The text given for an option, and where it was given.</summary>
    public sealed class Value(string source, string key, IReadOnlyList<string> values)
    {
        public bool IsEmpty => values.Count == 0 || (values.Count == 1 && values[0].Length == 0);

        public string? OptionalText() => IsEmpty ? null : values[0];

        public IReadOnlyList<string> Texts() => IsEmpty ? [] : [.. values];

        public string Word(IReadOnlyList<string> words)
        {
            string text = IsEmpty ? "" : values[0];
            if (words.Contains(text))
                return text;
            string hint = NearestName.Hint(text, words);
            throw Refused(text, $"one of {string.Join(", ", words)}{hint}");
        }

        public int Integer(int minimum, int maximum) => Integer(IsEmpty ? "" : values[0], minimum, maximum);

        public int? OptionalInteger(int minimum, int maximum) => IsEmpty ? null : Integer(minimum, maximum);

        public IReadOnlyList<int> Integers(int minimum, int maximum) =>
            [.. Texts().Select(text => Integer(text, minimum, maximum))];

        public double Number(double minimum, double maximum) => Number(IsEmpty ? "" : values[0], minimum, maximum);

        public IReadOnlyList<double> Numbers(double minimum, double maximum) =>
            [.. Texts().Select(text => Number(text, minimum, maximum))];

        public ulong Seed()
        {
            string text = IsEmpty ? "" : values[0];
            return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
                ? seed
                : throw Refused(text, $"a whole number from 0 to {ulong.MaxValue}");
        }

        public (int Height, int Width) Size()
        {
            string text = IsEmpty ? "" : values[0];
            string[] parts = text.Split('x');
            if (parts.Length is 1 or 2
                && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int height)
                && int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int width)
                && height is >= 32 and <= 8192 && width is >= 32 and <= 8192 && height % 32 == 0 && width % 32 == 0)
                return (height, width);
            throw Refused(text, "one number or HEIGHTxWIDTH, multiples of 32 from 32 to 8192, for example 128 or 128x256");
        }

        private int Integer(string text, int minimum, int maximum) =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= minimum && number <= maximum
                ? number
                : throw Refused(text, $"a whole number from {minimum} to {maximum}");

        private double Number(string text, double minimum, double maximum) =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= minimum && number <= maximum
                ? number
                : throw Refused(text, string.Create(CultureInfo.InvariantCulture, $"a number from {minimum} to {maximum}"));

        private RunException Refused(string text, string expected) => new($"{source}: {key} is '{text}', expected {expected}");
    }
}
