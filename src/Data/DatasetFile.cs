namespace CsUnet.Data;

/// <summary>A file of a data set, or a sample in memory, with the hash of its content.</summary>
/// <param name="Name">The path inside the data set with forward slashes: <c>train/a.png</c>. Unicode form C.</param>
/// <param name="Hash">SHA-256 of the bytes, in hexadecimal digits.</param>
public sealed record DatasetFile(string Name, string Hash);
