using System.Text;
using System.Text.Json;

namespace CsUnet.Training;

/// <summary>Metrics of one image.</summary>
/// <param name="File">The image's name, without its ending.</param>
/// <param name="Confusion">Its pixels.</param>
public sealed record ImageScore(string File, ConfusionMatrix Confusion);
