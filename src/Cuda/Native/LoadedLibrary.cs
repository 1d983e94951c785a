using System.Runtime.InteropServices;
using System.Text;

namespace CsUnet.Cuda.Native;

internal sealed record LoadedLibrary(string Path, nint Handle);
