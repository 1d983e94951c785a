namespace CsUnet.Models;

/// <summary>The types of options that JSON can describe, by kind.</summary>
/// <typeparam name="TOptions">The base type of all options.</typeparam>
/// <param name="what">What the options describe: a network or an encoder.</param>
/// <param name="builtIn">Options of every built-in kind; called on first use.</param>
/// <param name="kindOf">Returns the kind of options.</param>
internal sealed class KindTable<TOptions>(string what, Func<IEnumerable<TOptions>> builtIn, Func<TOptions, string> kindOf)
    where TOptions : class
{
    private readonly Lock _lock = new();
    private Dictionary<string, Type>? _types;

    /// <summary>Adds a type. Adding the same type again is allowed.</summary>
    /// <exception cref="ArgumentException">The kind is empty, or another type already has it.</exception>
    public void Register(string kind, Type type)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        lock (_lock)
        {
            if (!Types().TryAdd(kind, type) && Types()[kind] != type)
                throw new ArgumentException($"{what} kind '{kind}' is {Types()[kind].Name} already; give {type.Name} another kind",
                    nameof(kind));
        }
    }

    /// <summary>Finds the type of a kind.</summary>
    /// <exception cref="UnknownKindException">The kind is not registered.</exception>
    public Type Find(string kind)
    {
        lock (_lock)
        {
            return Types().TryGetValue(kind, out Type? type)
                ? type
                : throw new UnknownKindException(what, kind, Types().Keys.Order(StringComparer.Ordinal));
        }
    }

    private Dictionary<string, Type> Types() => _types ??= builtIn().GroupBy(kindOf, options => options.GetType(), StringComparer.Ordinal)
        .ToDictionary(types => types.Key, types => types.First(), StringComparer.Ordinal);
}
