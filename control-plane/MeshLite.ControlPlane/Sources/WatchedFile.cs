using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// One file of the directory: what it looks like, what of it is in force, what waits. Owned by <see cref="DirectoryState"/>.
/// All times are timestamps of its clock.
/// </summary>
internal sealed class WatchedFile(string name)
{
    private readonly Dictionary<ResourceKey, long> _removals = [];
    private FileStamp? _stamp;
    private long? _firstUnread;
    private long? _readAt;
    private long? _goneAt;
    private string _lastErrors = "";

    /// <summary>File name.</summary>
    public string Name => name;

    /// <summary>In force, or waiting for another file's to go; a refused document's last good version among them.</summary>
    public Dictionary<ResourceKey, Resource> Documents { get; } = [];

    /// <summary>The file has been missing long enough.</summary>
    public bool IsGone { get; private set; }

    /// <summary>It holds a MeshConfig that is refused.</summary>
    public bool HoldsRefusedMeshConfig { get; private set; }

    /// <summary>When something waits for, at the earliest; <see cref="long.MaxValue"/>: nothing.</summary>
    public long NextDue => Math.Min(_readAt ?? long.MaxValue, Math.Min(_goneAt ?? long.MaxValue, _removals.Values.Append(long.MaxValue).Min()));

    /// <summary>The file is there and looks like <paramref name="stamp"/>.</summary>
    public void Seen(FileStamp? stamp, long now, long settle, long longestSettle)
    {
        _goneAt = null;
        IsGone = false;
        if (stamp != _stamp)
        {
            _stamp = stamp;
            _firstUnread ??= now;
            _readAt = Math.Min(now + settle, _firstUnread.Value + longestSettle);
        }
        else if (settle == 0 && _readAt is not null)
        {
            _readAt = now;
        }
    }

    /// <summary>The file is not there.</summary>
    public void Missing(long goneAt)
    {
        _goneAt ??= goneAt;
        (_stamp, _firstUnread, _readAt) = (null, null, null);
    }

    /// <summary>Whether it is time to read it.</summary>
    public bool IsDue(long now) => _readAt <= now;

    /// <summary>It could not be read: it counts as unseen, so that the next look tries again.</summary>
    public void Unreadable() => (_stamp, _firstUnread, _readAt) = (null, null, null);

    /// <summary>Versions known from earlier.</summary>
    public void Restore(IEnumerable<Resource> resources, HashSet<ResourceKey> touched)
    {
        foreach (var resource in resources)
        {
            Documents[resource.Key] = resource;
            touched.Add(resource.Key);
        }
    }

    /// <summary>Takes over what was read; what the file no longer says waits until <paramref name="removeAt"/>.</summary>
    public void Apply(ConfigFile file, long removeAt, HashSet<ResourceKey> touched)
    {
        (_firstUnread, _readAt) = (null, null);
        HoldsRefusedMeshConfig = file.HoldsRefusedMeshConfig;
        foreach (var (key, resource) in file.Good)
        {
            Documents[key] = resource;
            touched.Add(key);
        }

        foreach (var key in Documents.Keys)
        {
            if (file.Good.ContainsKey(key) || file.MayStillHold(key))
            {
                _removals.Remove(key);
            }
            else
            {
                _removals.TryAdd(key, removeAt);
            }
        }
    }

    /// <summary>Drops what has waited long enough; its keys.</summary>
    public IReadOnlyList<ResourceKey> RemoveDue(long now)
    {
        var keys = _removals.Where(r => r.Value <= now).Select(r => r.Key).ToList();
        if (_goneAt <= now)
        {
            IsGone = true;
            HoldsRefusedMeshConfig = false;
            keys = [.. Documents.Keys];
            _goneAt = null;
        }

        foreach (var key in keys)
        {
            Documents.Remove(key);
            _removals.Remove(key);
        }

        return keys;
    }

    /// <summary>Whether these errors differ from those told last: the same are not told on every look.</summary>
    public bool IsNews(IEnumerable<ResourceError> errors)
    {
        var text = string.Join('\n', errors);
        var isNews = text != _lastErrors;
        _lastErrors = text;
        return isNews && text.Length > 0;
    }
}
