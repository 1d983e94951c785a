using CsUnet.Training;

namespace CsUnet.Cli.Report;

/// <summary>An image beside its truth and its prediction, as PNG bytes.</summary>
internal sealed record ReportExample(string Name, byte[] Image, byte[]? Truth, byte[] Prediction);
