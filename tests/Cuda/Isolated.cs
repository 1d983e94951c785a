using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Runtime.Loader;

namespace CsUnet.Tests.Cuda;

/// <summary>
/// Runs a test with its own copy of the binding. A process has one driver, chosen by the first call. A second copy of the assembly in its
/// own load context has its own static fields, so each test can choose another library.
/// </summary>
internal static class Isolated
{
    /// <summary>Runs a static method of this assembly in a new load context.</summary>
    internal static void Run(Action<string> test, string library)
    {
        Assert.True(test.Method.IsStatic && test.Target is null, "an isolated test must be a static method that captures nothing");
        var context = new FreshContext();
        MethodInfo method = context.LoadFromAssemblyPath(typeof(Isolated).Assembly.Location).GetType(test.Method.DeclaringType!.FullName!)!
            .GetMethod(test.Method.Name, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        // Each thread has its own current context: on a separate thread, a test neither sees one nor leaves one.
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                method.Invoke(null, [library]);
            }
            catch (TargetInvocationException thrown)
            {
                failure = thrown.InnerException;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    private sealed class FreshContext() : AssemblyLoadContext("isolated")
    {
        protected override Assembly? Load(AssemblyName name) => name.Name!.StartsWith("CsUnet.", StringComparison.Ordinal)
            ? LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, name.Name + ".dll")) : null;
    }
}
