using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace MeshLite.Hosting;

/// <summary>
/// How much is logged, changeable while the process runs (<c>PUT /logging</c>). One immutable table, swapped by
/// reference: any thread may set, log calls read. The longest category prefix decides.
/// </summary>
public sealed class LogLevels(LogLevel byDefault)
{
    private static readonly ImmutableArray<KeyValuePair<string, LogLevel>> BuiltIn =
    [
        // The framework's chatter about each request and each garbage byte; MeshLite logs and counts these itself.
        new("Microsoft", LogLevel.Warning),
        new("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error),
        // A failed start is told in one line by CommandLineRunner.
        new("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical),
        new("Microsoft.Hosting.Lifetime", LogLevel.Warning),
        new("System", LogLevel.Warning),
        // It warns, with a stack trace, of each caller that goes away; what counts is in the access log.
        new("Yarp", LogLevel.Critical),
    ];

    private volatile Table _table = new(byDefault, ImmutableSortedDictionary<string, LogLevel>.Empty.AddRange(BuiltIn));

    /// <summary>Level of every category without a level of its own.</summary>
    public LogLevel Default => _table.Default;

    /// <summary>Levels by category prefix.</summary>
    public ImmutableSortedDictionary<string, LogLevel> ByCategory => _table.ByCategory;

    /// <summary>Replaces the default level.</summary>
    public void Set(LogLevel level) => _table = new Table(level, _table.ByCategory);

    /// <summary>Sets one category's level; null removes it.</summary>
    public void Set(string category, LogLevel? level)
    {
        var table = _table;
        _table = new Table(table.Default, level is { } l ? table.ByCategory.SetItem(category, l) : table.ByCategory.Remove(category));
    }

    /// <summary>Whether a line of that category and level is written. Asked several times a request, of what is hardly ever written: so it is remembered.</summary>
    public bool IsEnabled(string? category, LogLevel level)
    {
        var minimum = _table.MinimumOf(category ?? "");
        return level >= minimum && minimum != LogLevel.None;
    }

    private sealed class Table(LogLevel byDefault, ImmutableSortedDictionary<string, LogLevel> byCategory)
    {
        // By reference: a logger always comes with the same string, and there are as many as loggers.
        private readonly ConcurrentDictionary<string, LogLevel> _minima = new(ReferenceEqualityComparer.Instance);

        public LogLevel Default => byDefault;

        public ImmutableSortedDictionary<string, LogLevel> ByCategory => byCategory;

        public LogLevel MinimumOf(string category) => _minima.TryGetValue(category, out var minimum) ? minimum : _minima.GetOrAdd(category, Find);

        private LogLevel Find(string category)
        {
            var longest = -1;
            var minimum = Default;
            foreach (var (prefix, value) in ByCategory)
            {
                if (prefix.Length > longest && Covers(prefix, category))
                {
                    longest = prefix.Length;
                    minimum = value;
                }
            }

            return minimum;
        }

        private static bool Covers(string prefix, string category) =>
            category.StartsWith(prefix, StringComparison.Ordinal) && (category.Length == prefix.Length || category[prefix.Length] == '.');
    }
}
