using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace CsUnet.Lab;

/// <summary>What ptxas gave a kernel.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
/// <param name="SpillBytes">Bytes that are stored and loaded because registers ran out.</param>
public readonly record struct KernelUsage(int Registers, int SharedBytes, int SpillBytes);
