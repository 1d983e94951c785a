using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Operations on a whole module; most return the module with its own type.</summary>
public static class ModuleExtensions
{
    /// <summary>
    /// Allocates the memory of parameters and buffers if they have none. Sets every parameter from its initialiser, the seed and its path
    /// from this module, and every buffer to its initial value. Runs on the CPU, so that the values are the same on every device.
    /// </summary>
    public static TModule Initialize<TModule>(this TModule module, ulong seed = 0) where TModule : Module
    {
        module.SetInitialValues(seed);
        return module;
    }

    /// <summary>
    /// Moves all parameters and buffers of this module and its children to a device and clears the gradients. Create optimisers afterwards:
    /// an optimiser's state stays on the device that the parameters had when it was created.
    /// </summary>
    public static TModule To<TModule>(this TModule module, Device device) where TModule : Module
    {
        module.MoveTo(device);
        return module;
    }

    /// <summary>Switches the module and its children to training mode.</summary>
    public static TModule Train<TModule>(this TModule module, bool isTraining = true) where TModule : Module
    {
        module.SetTraining(isTraining);
        return module;
    }

    /// <summary>Switches the module and its children to evaluation mode.</summary>
    public static TModule Eval<TModule>(this TModule module) where TModule : Module => module.Train(false);

    /// <summary>Writes parameters and buffers to a safetensors file, completely or not at all; see <see cref="StateDict"/>.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static TModule Save<TModule>(this TModule module, string path) where TModule : Module
    {
        StateDict.Save(module, path);
        return module;
    }

    /// <summary>Loads every parameter and buffer from a safetensors file. Nothing changes unless everything fits.</summary>
    /// <exception cref="WeightFileException">The file cannot be read, or names or shapes differ; the message lists them.</exception>
    public static TModule Load<TModule>(this TModule module, string path) where TModule : Module
    {
        module.Load(path, new StateLoading());
        return module;
    }

    /// <summary>
    /// Loads parameters and buffers from a safetensors file that may contain more or less than this module; see
    /// <see cref="StateDict.Load(Module, SafetensorsFile, StateLoading?)"/>.
    /// </summary>
    /// <returns>What was loaded and what was not.</returns>
    /// <exception cref="WeightFileException">The file cannot be read or does not fit; the message lists the problems.</exception>
    public static StateReport Load(this Module module, string path, StateLoading loading)
    {
        using SafetensorsFile file = SafetensorsFile.Read(path);
        return StateDict.Load(module, file, loading);
    }
}
