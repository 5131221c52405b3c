using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// What is in force of a directory of documents, and what of it waits. Owned by <see cref="DirectorySource"/>, which calls
/// <see cref="Step"/> when something may have changed; one thread.
/// <list type="bullet">
/// <item>A file is read once it has kept still for <see cref="Settle"/> (at once if it was moved into place): a file half
/// written can be valid, and mean something else.</item>
/// <item>A document that is refused leaves its last good version in force, a file that is refused all of its documents.</item>
/// <item>What is missing is removed only after <see cref="RemovalGrace"/>: editors truncate files, and move them away and back.</item>
/// <item>Of a resource in two files the one already in force stays; it is followed by the other when it goes, without a gap.</item>
/// </list>
/// </summary>
internal sealed class DirectoryState(string directory, LastGoodFiles lastGood, TimeProvider time, ControlPlaneMetrics metrics, ILogger logger)
{
    /// <summary>How long a file must keep still before it is read. <value>10 ms.</value></summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a resource must be missing before it is removed. <value>250 ms.</value></summary>
    public static readonly TimeSpan RemovalGrace = TimeSpan.FromMilliseconds(250);

    // A file that is written to without end is read all the same.
    private static readonly TimeSpan LongestSettle = TimeSpan.FromMilliseconds(500);

    /// <summary>Where what is refused is kept for those who ask.</summary>
    public RefusedDocuments Refused { get; init; } = new();

    private readonly SortedDictionary<string, WatchedFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<ResourceKey, WatchedFile> _owners = [];
    private bool _listed = true;

    /// <summary>
    /// Why nothing may be published yet: there is a MeshConfig, but none was ever good. Its defaults could be less strict than
    /// what it says, and another trust domain.
    /// </summary>
    public string? Blocker =>
        _owners.ContainsKey(MeshConfigResource.DefaultKey) ? null
        : _files.Values.FirstOrDefault(f => f.HoldsRefusedMeshConfig) is { } file ? $"the MeshConfig in {file.Name} is refused, and no earlier one is known"
        : null;

    /// <summary>Looks at the directory and reads what is due.</summary>
    /// <param name="complete">Names known to be whole (moved into place).</param>
    /// <param name="isFirst">Reads all files at once: nobody has seen them half written.</param>
    public DirectoryStep Step(IReadOnlyCollection<string> complete, bool isFirst = false)
    {
        var now = time.GetTimestamp();
        var touched = new HashSet<ResourceKey>();
        Look(now, complete, isFirst);
        foreach (var file in _files.Values.ToArray())
        {
            if (file.IsDue(now))
            {
                Read(file, now, touched, isFirst);
            }

            foreach (var key in file.RemoveDue(now))
            {
                touched.Add(key);
            }

            if (file.IsGone && file.Documents.Count == 0)
            {
                _files.Remove(file.Name);
                lastGood.Delete(file.Name);
                Refused.Set(file.Name, []);
            }
        }

        var changes = touched.Select(key => Decide(key, now)).OfType<ResourceChange>().ToArray();
        var due = _files.Values.Select(f => f.NextDue).Append(long.MaxValue).Min();
        return new DirectoryStep(changes, due == long.MaxValue ? null : due);
    }

    private void Look(long now, IReadOnlyCollection<string> complete, bool isFirst)
    {
        string[] names;
        try
        {
            names = [.. Directory.EnumerateFiles(directory).Select(p => Path.GetFileName(p)).Where(IsConfigFile)];
            _listed = true;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Not an empty directory: nothing is known, so nothing changes.
            if (_listed)
            {
                SourcesLog.DirectoryUnreadable(logger, directory, problem.Message);
            }

            _listed = false;
            return;
        }

        foreach (var name in names)
        {
            if (!_files.TryGetValue(name, out var file))
            {
                _files[name] = file = new WatchedFile(name);
            }

            var atOnce = isFirst || complete.Contains(name);
            file.Seen(FileStamp.Of(Path.Combine(directory, name)), now, atOnce ? 0 : Ticks(Settle), Ticks(LongestSettle));
        }

        foreach (var file in _files.Values.Where(f => !names.Contains(f.Name, StringComparer.Ordinal)))
        {
            file.Missing(now + Ticks(RemovalGrace));
        }
    }

    private void Read(WatchedFile file, long now, HashSet<ResourceKey> touched, bool isFirst)
    {
        byte[] content;
        try
        {
            content = ReadBounded(Path.Combine(directory, file.Name));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            file.Unreadable();
            Report(file, [new ResourceError(file.Name, 1, "", "", $"cannot be read: {problem.Message}")]);
            return;
        }

        var parsed = ConfigFile.Parse(file.Name, content);
        if (isFirst && !parsed.IsGood)
        {
            // An earlier run may have known better versions of what is refused now.
            file.Restore(lastGood.Load(file.Name).Where(r => parsed.MayStillHold(r.Key)), touched);
        }

        file.Apply(parsed, now + Ticks(RemovalGrace), touched);
        var doubles = parsed.Good.Values
            .Select(r => (Second: r, First: _owners.TryGetValue(r.Key, out var owner) && owner != file ? owner.Documents.GetValueOrDefault(r.Key) : null))
            .Where(r => r.First is not null)
            .OrderBy(r => r.Second.Origin)
            .Select(r => ConfigFile.DefinedTwice(r.Second, r.First!))
            .ToArray();
        // Claimed now, so that of two new files the first by name wins.
        foreach (var key in parsed.Good.Keys)
        {
            _owners.TryAdd(key, file);
        }

        Report(file, [.. parsed.Errors, .. doubles]);
        if (parsed.IsGood)
        {
            lastGood.Save(file.Name, content);
            SourcesLog.FileRead(logger, file.Name, parsed.Good.Count);
        }
    }

    private ResourceChange? Decide(ResourceKey key, long now)
    {
        var owner = _owners.GetValueOrDefault(key);
        if (owner is null || !owner.Documents.ContainsKey(key))
        {
            owner = _files.Values.FirstOrDefault(f => f.Documents.ContainsKey(key));
        }

        if (owner is null)
        {
            _owners.Remove(key);
            return new ResourceChange(key, null, now);
        }

        _owners[key] = owner;
        return new ResourceChange(key, owner.Documents[key], now);
    }

    private void Report(WatchedFile file, ResourceError[] errors)
    {
        Refused.Set(file.Name, errors);
        if (!file.IsNews(errors))
        {
            return;
        }

        foreach (var error in errors)
        {
            SourcesLog.DocumentRefused(logger, error, error.File, error.Line, error.Document, error.Field, error.Message);
        }

        foreach (var document in errors.Select(e => e.Document).Distinct())
        {
            metrics.DocumentRejected(document);
        }
    }

    private static byte[] ReadBounded(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        // One byte more than allowed is enough to know.
        var buffer = new byte[ConfigFile.MaxBytes + 1];
        var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return buffer[..length];
    }

    private static bool IsConfigFile(string name) =>
        !name.StartsWith('.') && (name.EndsWith(".yaml", StringComparison.Ordinal) || name.EndsWith(".yml", StringComparison.Ordinal));

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}

/// <summary>What a look at the directory came to.</summary>
/// <param name="Changes">To be posted, in order.</param>
/// <param name="NextDue">When to look again at the latest (timestamp); null: nothing waits.</param>
internal sealed record DirectoryStep(IReadOnlyList<ResourceChange> Changes, long? NextDue);
