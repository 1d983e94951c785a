namespace CsUnet.Models;

/// <summary>The types of options that a JSON text may describe, by the kind that it names.</summary>
/// <typeparam name="TOptions">What all of them are.</typeparam>
/// <param name="what">What they describe: a network or an encoder.</param>
/// <param name="builtIn">Options of every kind that this library has; asked for on first use.</param>
/// <param name="kindOf">The kind of options.</param>
internal sealed class KindTable<TOptions>(string what, Func<IEnumerable<TOptions>> builtIn, Func<TOptions, string> kindOf)
    where TOptions : class
{
    private readonly Lock _lock = new();
    private Dictionary<string, Type>? _types;

    /// <summary>Adds a type; once more is no mistake.</summary>
    /// <exception cref="ArgumentException">The kind is another type's, or empty.</exception>
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

    /// <summary>The type of a kind.</summary>
    /// <exception cref="UnknownKindException">None is registered.</exception>
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
