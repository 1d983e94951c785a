using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>The folders SPLIT and SPLIT_annot of a data set. Opening decodes every file once and keeps small sets in memory.</summary>
internal sealed partial class FileDataset : MicrographDataset
{
    private readonly record struct Pair(string Name, string Image, string Mask);

    private readonly string _directory;
    private readonly Pair[] _pairs;
    private readonly Sample?[] _samples;
    private readonly bool _inMemory;

    public FileDataset(
        string directory, string split, ClassMap classMap, IReadOnlyList<string>? subset, long memoryLimit, IntensitySearch search)
        : base(Path.Combine(directory, split), classMap)
    {
        _directory = directory;
        _search = search;
        string images = Path.Combine(directory, split), masks = Path.Combine(directory, $"{split}_annot");
        CheckFolders(directory, split, images, masks);
        var problems = new List<DataException>();
        try
        {
            _pairs = [.. FindPairs(images, masks, classMap, subset, problems)];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataException(images, $"cannot be listed: {failure.Message}", "a readable folder", inner: failure);
        }

        // Decode a few files at a time, so that a set larger than memory is never loaded whole.
        _samples = new Sample?[_pairs.Length];
        _waiting = new Files?[_pairs.Length];
        _images = new ImageSummary[_pairs.Length];
        _inMemory = true;
        bool isAnythingCounted = false;
        long bytes = 0;
        int group = Math.Max(1, Workers.Count);
        var failures = new IReadOnlyList<DataException>[group];
        var files = new Files?[group];
        var counts = new MaskCounts[group];
        for (int first = 0; first < _pairs.Length; first += group)
        {
            int start = first, count = Math.Min(group, _pairs.Length - first);
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = group }, i =>
            {
                (failures[i], files[i], counts[i]) = ([], null, new MaskCounts());
                try
                {
                    files[i] = Read(_pairs[start + i], counts[i]);
                    Summarise(start + i, files[i]!);
                    Scale(start + i, files[i]!);
                }
                catch (DataException failure)
                {
                    failures[i] = failure.Problems;
                }
            });
            for (int i = 0; i < count; i++)
            {
                problems.AddRange(failures[i]);
                bytes += _samples[first + i]?.Bytes ?? _waiting[first + i]?.LevelBytes ?? 0;
                isAnythingCounted |= files[i]?.Labels.AsSpan().ContainsAnyExcept(ClassMap.Ignored) ?? false;
                if (files[i] is { } read)
                    CountIn(read);
                _counts.Add(counts[i]);
            }
            if (bytes > memoryLimit || problems.Count > 0)
            {
                _inMemory = false;
                Array.Clear(_samples);
            }
            LimitWaiting(_inMemory ? memoryLimit - bytes : 0);
        }
        if (problems.Count > 0)
            throw DataException.Many(images, problems);
        // Without pixels the scores would be zeros that look like a measurement.
        if (!isAnythingCounted)
            throw new DataException(masks, "every pixel of every mask is ignored", "some pixels of a class");
        _search.Finish(images);
        if (_inMemory)
            ScaleWaiting();
    }

    public override int Count => _pairs.Length;

    public override long MemoryBytes => _inMemory ? _samples.Sum(sample => sample!.Bytes) : 0;

    public override Sample this[int index] => _inMemory ? _samples[index]! : ReadSample(_pairs[index]);

    private protected override DatasetContent ReadContent() =>
        DatasetContent.OfFiles(_directory, [.. _pairs.SelectMany(pair => new[] { pair.Image, pair.Mask })]);

    private static void CheckFolders(string directory, string split, string images, string masks)
    {
        const string layout = "DIR/{train,val,test}/NAME.tif with DIR/{train,val,test}_annot/NAME.tif";
        if (!Directory.Exists(directory))
            throw new DataException(directory, "no such folder", $"a data set, {layout}");
        var problems = new List<DataException>();
        if (!Directory.Exists(images))
        {
            IEnumerable<string> names = Directory.EnumerateDirectories(directory).Select(folder => Path.GetFileName(folder));
            string[] present = [.. names.Order(StringComparer.Ordinal)];
            string found = present.Length == 0 ? "none" : string.Join(", ", present.Take(8));
            problems.Add(new DataException(images, $"no folder '{split}' (folders here: {found})", layout));
        }
        if (!Directory.Exists(masks))
            problems.Add(new DataException(masks, $"no folder '{split}_annot' with annotations", layout));
        if (problems.Count > 0)
            throw DataException.Many(directory, problems);
    }

    private static List<Pair> FindPairs(string images, string masks, ClassMap classMap, IReadOnlyList<string>? subset,
        List<DataException> problems)
    {
        ILookup<string, string> imageFiles = FileNames.ByStem(images), maskFiles = FileNames.ByStem(masks);
        HashSet<string>? chosen = subset is null ? null : [.. subset.Select(FileNames.Composed)];
        if (imageFiles.Count == 0)
        {
            throw new DataException(images, "the split is empty: no image", $"files ending in {string.Join(", ", ImageFile.Extensions)}");
        }
        foreach (string wanted in subset ?? [])
            if (!imageFiles.Contains(FileNames.Composed(wanted)))
                problems.Add(new DataException(Path.Combine(images, wanted), "the subset names a missing image",
                    "the name of an image without its extension"));
        var pairs = new List<Pair>();
        foreach (IGrouping<string, string> files in imageFiles.OrderBy(files => files.Key, StringComparer.Ordinal))
        {
            string name = files.Key;
            if (chosen is not null && !chosen.Contains(name))
                continue;
            string[] candidates = [.. maskFiles[FileNames.Composed(name + classMap.MaskSuffix)]];
            string maskName = name + classMap.MaskSuffix + Path.GetExtension(files.First());
            if (files.Count() > 1)
                problems.Add(new DataException(images,
                    $"several images are named '{name}' ({string.Join(", ", files.Select(Path.GetFileName))})", "one",
                    FileNames.Hint([.. files])));
            else if (candidates.Length == 0)
                problems.Add(new DataException(files.First(), "its mask is missing", Path.Combine(masks, maskName),
                    MissingMaskRemedy(classMap)));
            else if (candidates.Length > 1)
                problems.Add(new DataException(files.First(),
                    $"it has several masks ({string.Join(", ", candidates.Select(Path.GetFileName))})", "one",
                    FileNames.Hint(candidates)));
            else
                pairs.Add(new Pair(name, files.First(), candidates[0]));
        }
        return pairs;
    }

    private static string MissingMaskRemedy(ClassMap classMap) => classMap.MaskSuffix.Length == 0
        ? $"class map {classMap.Name} expects masks named as their images"
        : $"class map {classMap.Name} expects the image's name followed by '{classMap.MaskSuffix}'";

    private Files Read(Pair pair, MaskCounts? counts = null)
    {
        // Report the problems of both files, not only the first.
        var problems = new List<DataException>();
        RawImage? image = null;
        MaskImage? mask = null;
        try
        {
            image = ImageFile.ReadRaw(pair.Image);
        }
        catch (DataException failure)
        {
            problems.Add(failure);
        }
        try
        {
            mask = ImageFile.ReadMask(pair.Mask, ClassMap.ReadsPaletteIndices);
        }
        catch (DataException failure)
        {
            problems.Add(failure);
        }
        Note(pair, image?.Notices, mask?.Notices);
        if (image is not null && mask is not null && (image.Height != mask.Height || image.Width != mask.Width))
        {
            problems.Add(new DataException(pair.Mask, $"the mask has {mask.Height}x{mask.Width} pixels",
                $"{image.Height}x{image.Width} (height x width) as {pair.Image}"));
        }
        byte[]? labels = null;
        if (mask is not null)
        {
            labels = ClassMap.Label(mask, counts, out string? unknown);
            if (unknown is not null)
                problems.Add(new DataException(pair.Mask, $"the mask has values or colours that no class lists: {unknown}", KnownValues(),
                    "extend the class map, or give it a default class"));
        }
        return problems.Count == 0
            ? new Files(pair, image!, labels!)
            : throw DataException.Many(pair.Image, problems);
    }

    private string KnownValues() => string.Join(", ", ClassMap.Classes.Select(entry =>
    {
        IEnumerable<string> colours = entry.Colours.Select(colour => $"({colour.R},{colour.G},{colour.B})");
        return $"{entry.Name} = {string.Join(" or ", entry.Values.Select(value => $"{value}").Concat(colours))}";
    }));
}
