using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Text.RegularExpressions;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Tests.House;

/// <summary>
/// Networks and layers are written once for all devices: src/Models and src/Nn hand a device on, but never ask which one it is. Operators
/// and update rules do. The rule is read from the compiled code, so that it does not depend on how a question is written.
/// </summary>
public sealed partial class DeviceRulesTests
{
    // Stand for the type arguments of a generic method that calls others.
    private static readonly Type[] s_anyTypes = [.. Enumerable.Repeat(typeof(float), 4)];

    [Theory]
    [InlineData(typeof(Optimizer))]
    [InlineData(typeof(SegmentationModel))]
    public void Networks_and_layers_never_ask_which_device_they_run_on(Type inside)
    {
        List<MethodBase> used = [.. UsedMethods(inside.Assembly)];
        Assert.Contains(used, method => method.DeclaringType == typeof(Tensor));
        Assert.Empty(used.Where(Asks).Select(method => $"{method.DeclaringType}.{method.Name}"));
    }

    [Fact]
    public void Operators_do_ask()
    {
        string[] asked = [.. UsedMethods(typeof(Operator).Assembly).Where(Asks)
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}")];
        Assert.Contains("Device.get_Kind", asked);
        Assert.Contains("Device.op_Equality", asked);
    }

    [Theory]
    [InlineData(typeof(Device), "get_Kind", true)]
    [InlineData(typeof(Device), "get_Index", true)]
    [InlineData(typeof(Device), "op_Inequality", true)]
    [InlineData(typeof(Precisions), nameof(Precisions.RunsOn), true)]
    [InlineData(typeof(EqualityComparer<Device>), "Equals", true)]
    [InlineData(typeof(Dictionary<DeviceKind, int>), "TryGetValue", true)]
    [InlineData(typeof(Operator), nameof(Operator.Variants), true)]
    [InlineData(typeof(CsUnet.Cuda.CudaLibraries), "get_IsEmulated", true)]
    [InlineData(typeof(KernelLibrary), "get_Files", true)]
    [InlineData(typeof(Device), "get_Cpu", false)]
    [InlineData(typeof(Tensor), "get_Device", false)]
    [InlineData(typeof(Tensor), nameof(Tensor.To), false)]
    [InlineData(typeof(Precisions), nameof(Precisions.Use), false)]
    [InlineData(typeof(InvalidLabels), nameof(InvalidLabels.ThrowIfAny), false)]
    public void A_question_is_recognised(Type type, string name, bool isQuestion)
    {
        MethodInfo[] methods = [.. type.GetMethods().Where(method => method.Name == name && method.DeclaringType == type)];
        Assert.NotEmpty(methods);
        Assert.Equal(isQuestion, methods.Any(Asks));
    }

    /// <summary>
    /// Whether a method tells which device a computation runs on: it looks into a device, answers a question about one, or is CUDA's own.
    /// </summary>
    private static bool Asks(MethodBase method)
    {
        Type declaring = method.DeclaringType!;
        Type? answer = (method as MethodInfo)?.ReturnType;
        Type[] parameters = [.. method.GetParameters().Select(parameter => parameter.ParameterType)];
        return (IsDevice(declaring) && !(method.IsStatic && answer == typeof(Device)) && !method.IsConstructor)
            || declaring.GetGenericArguments().Any(IsDevice)
            || answer == typeof(DeviceKind) || parameters.Contains(typeof(DeviceKind))
            || (IsAnswer(answer) && (parameters.Contains(typeof(Device)) || DeviceWord().IsMatch(method.Name)))
            || CudaNamespace().IsMatch(declaring.Namespace ?? "");
    }

    private static bool IsDevice(Type type) => type == typeof(Device) || type == typeof(DeviceKind);

    private static bool IsAnswer(Type? type) => type == typeof(bool) || type is { IsEnum: true };

    /// <summary>The methods of other assemblies that an assembly calls, from its table of member references.</summary>
    private static unsafe List<MethodBase> UsedMethods(Assembly assembly)
    {
        Assert.True(assembly.TryGetRawMetadata(out byte* blob, out int length));
        var metadata = new MetadataReader(blob, length);
        return
        [
            .. metadata.MemberReferences
                .Where(handle => metadata.GetMemberReference(handle).GetKind() == MemberReferenceKind.Method)
                .Where(handle => !IsOwn(metadata, handle))
                .Select(handle => assembly.ManifestModule.ResolveMethod(MetadataTokens.GetToken(handle), s_anyTypes, s_anyTypes)!),
        ];
    }

    /// <summary>Whether a member belongs to a generic type of the assembly itself; what that member calls is also listed.</summary>
    private static bool IsOwn(MetadataReader metadata, MemberReferenceHandle handle)
    {
        EntityHandle parent = metadata.GetMemberReference(handle).Parent;
        if (parent.Kind != HandleKind.TypeSpecification)
            return parent.Kind == HandleKind.TypeDefinition;
        BlobReader signature = metadata.GetBlobReader(metadata.GetTypeSpecification((TypeSpecificationHandle)parent).Signature);
        if (signature.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
            return false;
        // The next code says class or value type.
        signature.ReadCompressedInteger();
        return signature.ReadTypeHandle().Kind == HandleKind.TypeDefinition;
    }

    [GeneratedRegex("Cuda|Cpu|Gpu|Host|Device|Emulat", RegexOptions.IgnoreCase)]
    private static partial Regex DeviceWord();

    [GeneratedRegex(@"^CsUnet\.(Cuda|Kernels\.(Cuda|Cpu))(\.|$)")]
    private static partial Regex CudaNamespace();
}
