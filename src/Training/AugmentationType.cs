using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>An augmentation: a built-in name, a YAML file, or a YAML mapping.</summary>
internal sealed class AugmentationType : OptionType<AugmentationOptions>
{
    public override string ValueName => "NAME|FILE";

    public override string Expected => $"{string.Join(", ", AugmentationOptions.BuiltIn.Keys)}, or a YAML file";

    public override OptionForm Form => OptionForm.Section;

    public override AugmentationOptions Read(string key, OptionText text)
    {
        try
        {
            return text.Section is { } section
                ? AugmentationOptions.FromYaml(section)
                : AugmentationOptions.Load(text.Texts.Count == 0 ? "" : text.Texts[0]);
        }
        catch (DataException failure)
        {
            throw OptionException.From(key, text.Place, failure);
        }
    }

    public override IReadOnlyList<string> Write(AugmentationOptions value) =>
        value.ToYaml().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // Nothing is refused here: only the YAML reader checks the values of an augmentation.
    public override string? Refused(AugmentationOptions value) => null;
}
