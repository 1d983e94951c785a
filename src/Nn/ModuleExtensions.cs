using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>What is done to a whole module; each method returns the module, as what it is.</summary>
public static class ModuleExtensions
{
    /// <summary>
    /// Allocates the memory of parameters and buffers, if they have none yet, and sets every parameter from its initialiser, the seed and
    /// its path from this module, every buffer to its initial value: on the CPU, so that the numbers are the same on every device.
    /// </summary>
    public static TModule Initialize<TModule>(this TModule module, ulong seed = 0) where TModule : Module
    {
        module.SetInitialValues(seed);
        return module;
    }

    /// <summary>
    /// Moves all parameters and buffers below this module to a device; gradients are forgotten. Make an optimiser afterwards: its state
    /// lies where the parameters were when it was made.
    /// </summary>
    public static TModule To<TModule>(this TModule module, Device device) where TModule : Module
    {
        module.MoveTo(device);
        return module;
    }

    /// <summary>Puts the module and its children into training mode.</summary>
    public static TModule Train<TModule>(this TModule module, bool isTraining = true) where TModule : Module
    {
        module.SetTraining(isTraining);
        return module;
    }

    /// <summary>Puts the module and its children into evaluation mode.</summary>
    public static TModule Eval<TModule>(this TModule module) where TModule : Module => module.Train(false);

    /// <summary>Writes parameters and buffers to a safetensors file, whole or not at all; see <see cref="StateDict"/>.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static TModule Save<TModule>(this TModule module, string path) where TModule : Module
    {
        StateDict.Save(module, path);
        return module;
    }

    /// <summary>Sets every parameter and buffer from a safetensors file. Nothing is changed unless everything fits.</summary>
    /// <exception cref="WeightFileException">The file cannot be read, or names or shapes differ; the message lists which.</exception>
    public static TModule Load<TModule>(this TModule module, string path) where TModule : Module
    {
        module.Load(path, new StateLoading());
        return module;
    }

    /// <summary>
    /// Sets parameters and buffers from a safetensors file that may hold more than this module, or less; see
    /// <see cref="StateDict.Load(Module, SafetensorsFile, StateLoading?)"/>.
    /// </summary>
    /// <returns>What was loaded, and what was not.</returns>
    /// <exception cref="WeightFileException">The file cannot be read, or does not fit; the message lists what.</exception>
    public static StateReport Load(this Module module, string path, StateLoading loading)
    {
        using SafetensorsFile file = SafetensorsFile.Read(path);
        return StateDict.Load(module, file, loading);
    }
}
