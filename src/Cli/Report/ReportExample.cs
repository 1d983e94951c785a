namespace CsUnet.Cli.Report;

/// <summary>An image with its truth and its prediction, as PNG bytes.</summary>
internal sealed record ReportExample(string Name, byte[] Image, byte[]? Truth, byte[] Prediction);
